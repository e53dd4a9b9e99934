/* pipe(7): between processes; end of file, SIGPIPE and EPIPE when the other side is gone. */
#include "process.h"

static int p[2], q[2];

static int doubles(void)
{
    char byte;
    close(p[1]);
    close(q[0]);
    while (read(p[0], &byte, 1) == 1)
        if (write(q[1], (char[2]){byte, byte}, 2) != 2)
            return 1;
    return 0;
}

static int writes_for_ever(void)
{
    char page[4096] = {0};
    close(p[0]);
    for (;;)
        if (write(p[1], page, sizeof page) < 0)
            return errno == EPIPE ? 32 : 1;
}

static int ignores_and_writes(void)
{
    signal(SIGPIPE, SIG_IGN);
    return writes_for_ever();
}

static int executed(void)
{
    while (write(9, "x", 1) == 1)
        ;
    return errno == EPIPE ? 33 : 1;
}

static int ignores_over_exec(void)
{
    signal(SIGPIPE, SIG_IGN);
    close(p[0]);
    MUST(dup2(p[1], 9));
    become("executed");
    return 1;
}

static int writes_much(void)
{
    static char bulk[300000];
    memset(bulk, 'b', sizeof bulk);
    close(p[0]);
    return write(p[1], bulk, sizeof bulk) == sizeof bulk ? 0 : 1;
}

static void with_reader_gone(const char *what, int (*body)(void))
{
    MUST(pipe(p));
    pid_t pid = child(body);
    close(p[1]);
    char page[4096];
    read(p[0], page, sizeof page);
    close(p[0]);
    reap(what, pid);
}

int main(int argc, char **argv)
{
    char text[64] = {0};
    (void)argv;
    if (argc > 1)
        return executed();
    MUST(pipe(p));
    MUST(pipe(q));
    pid_t pid = child(doubles);
    close(p[0]);
    close(q[1]);
    MUST(write(p[1], "pipes", 5));
    close(p[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(q[0], text + length, sizeof text - length)) > 0)
        length += got;
    printf("%s\n", text);
    close(q[0]);
    reap("doubles", pid);

    with_reader_gone("SIGPIPE", writes_for_ever);
    with_reader_gone("EPIPE", ignores_and_writes);
    with_reader_gone("ignored over exec", ignores_over_exec);

    MUST(pipe(p));
    pid = child(writes_much);
    close(p[1]);
    char page[5000];
    size_t total = 0;
    while ((got = read(p[0], page, sizeof page)) > 0)
        total += got;
    SHOW(total);
    reap("writes more than a pipe holds", pid);
    close(p[0]);

    MUST(pipe(p)); /* several writers: each write of up to PIPE_BUF stays whole */
    for (int writer = 0; writer < 4; writer++)
        if (fork() == 0) {
            char record[512];
            memset(record, 'A' + writer, sizeof record);
            for (int i = 0; i < 50; i++)
                MUST(write(p[1], record, sizeof record));
            _exit(0);
        }
    close(p[1]);
    char record[512];
    int mixed = 0, records = 0;
    for (;;) {
        size_t have = 0;
        while (have < sizeof record && (got = read(p[0], record + have, sizeof record - have)) > 0)
            have += got;
        if (have < sizeof record)
            break;
        records++;
        for (int i = 1; i < 512; i++)
            mixed += record[i] != record[0];
    }
    printf("%d records, %d bytes mixed\n", records, mixed);
    for (int i = 0; i < 4; i++)
        MUST(wait(NULL));
    close(p[0]);
    return 0;
}
