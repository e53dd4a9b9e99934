/* open(2), execve(2) ETXTBSY: a running program is not written to, nor one that is written to run. */
#include "process.h"

static void copy(const char *from, const char *to)
{
    static char bytes[1 << 16];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    ssize_t got;
    MUST(in);
    MUST(out);
    while ((got = read(in, bytes, sizeof bytes)) > 0)
        MUST(write(out, bytes, got));
    close(in);
    close(out);
    MUST(chmod(to, 0755));
}

static int executes_copy(void)
{
    execl("./copy", "copy", "look", (char *)NULL);
    printf("execl: %s\n", strerrorname_np(errno));
    return 1;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        SHOW(open("copy", O_RDWR));
        SHOW(open("copy", O_RDONLY | O_TRUNC));
        SHOW(truncate("copy", 0));
        SHOW(unlink("copy")); /* its name may go */
        return 2;
    }
    copy(own_path(), "copy");
    int fd = open("copy", O_RDWR);
    run("while it is open", executes_copy);
    close(fd);
    run("when it is closed", executes_copy);
    SHOW(access("copy", F_OK));
    return 0;
}
