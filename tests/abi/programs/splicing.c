/* splice(2), tee(2), vmsplice(2): files, pipes and sockets, offsets, what blocks and what does not,
 * and the errors of each. */
#include "check.h"
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char data[10000], back[70000];
static int a[2], b[2], file;

static long check_read(int fd, const char *want, size_t length)
{
    memset(back, 0, length);
    long got = read(fd, back, sizeof back);
    if (got != (long)length || memcmp(back, want, length))
        printf("%ld bytes instead of %zu, or others\n", got, length);
    return got;
}

static void between_file_and_pipe(void)
{
    loff_t offset = 10;
    SHOW(splice(file, &offset, a[1], NULL, 100, 0));
    SHOW(offset);
    SHOW(check_read(a[0], data + 10, 100));
    SHOW(lseek(file, 0, SEEK_CUR));
    MUST(lseek(file, 4000, SEEK_SET));
    SHOW(splice(file, NULL, a[1], NULL, 200, SPLICE_F_MOVE | SPLICE_F_MORE | SPLICE_F_GIFT));
    SHOW(lseek(file, 0, SEEK_CUR));
    SHOW(check_read(a[0], data + 4000, 200));
    offset = 9990;
    SHOW(splice(file, &offset, a[1], NULL, 100, 0));
    SHOW(splice(file, &offset, a[1], NULL, 100, 0));
    SHOW(check_read(a[0], data + 9990, 10));
    int out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
    MUST(write(a[1], data, 300));
    offset = 50;
    SHOW(splice(a[0], NULL, out, &offset, 100, 0));
    SHOW(offset);
    SHOW(splice(a[0], NULL, out, NULL, 1000, 0));
    SHOW(lseek(out, 0, SEEK_CUR));
    SHOW(lseek(out, 0, SEEK_END));
    SHOW(pread(out, back, 1000, 0));
    CHECK(!memcmp(back, data + 100, 200));
    SHOW(splice(a[0], NULL, out, NULL, 10, SPLICE_F_NONBLOCK));
    MUST(write(a[1], data, 10));
    offset = -1;
    SHOW(splice(a[0], NULL, out, &offset, 10, 0));
    SHOW(splice(file, &offset, a[1], NULL, 10, 0));
    MUST(fcntl(out, F_SETFL, O_APPEND));
    SHOW(splice(a[0], NULL, out, NULL, 10, 0));
    SHOW(check_read(a[0], data, 10));
    close(out);
    unlink("out");
}

static void between_pipes(void)
{
    MUST(write(a[1], data, 5000));
    SHOW(splice(a[0], NULL, b[1], NULL, 3000, 0));
    SHOW(tee(a[0], b[1], 500, 0));
    SHOW(tee(a[0], b[1], 100000, SPLICE_F_NONBLOCK));
    SHOW(check_read(a[0], data + 3000, 2000));
    MUST(read(b[0], back, sizeof back));
    CHECK(!memcmp(back, data, 3000) && !memcmp(back + 3000, data + 3000, 500));
    CHECK(!memcmp(back + 3500, data + 3000, 2000));
    SHOW(splice(a[0], NULL, b[1], NULL, 10, SPLICE_F_NONBLOCK));
    SHOW(tee(a[0], b[1], 10, SPLICE_F_NONBLOCK));
    MUST(fcntl(b[1], F_SETFL, O_NONBLOCK));
    SHOW(splice(a[0], NULL, b[1], NULL, 10, 0));
    SHOW(tee(a[0], b[1], 10, 0));
    while (write(b[1], data, 4096) > 0)
        ;
    MUST(fcntl(b[1], F_SETFL, 0));
    MUST(write(a[1], data, 10));
    SHOW(splice(a[0], NULL, b[1], NULL, 10, SPLICE_F_NONBLOCK));
    SHOW(tee(a[0], b[1], 10, SPLICE_F_NONBLOCK));
    SHOW(splice(file, NULL, b[1], NULL, 10, SPLICE_F_NONBLOCK));
    SHOW(read(b[0], back, sizeof back));
    SHOW(read(a[0], back, sizeof back));
}

static void with_sockets(void)
{
    int s[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    MUST(write(a[1], data, 1000));
    SHOW(splice(a[0], NULL, s[0], NULL, 600, 0));
    SHOW(splice(s[1], NULL, b[1], NULL, 100, 0));
    SHOW(check_read(b[0], data, 100));
    SHOW(splice(s[1], NULL, b[1], NULL, 1000, 0));
    SHOW(check_read(b[0], data + 100, 500));
    SHOW(splice(s[1], NULL, b[1], NULL, 1000, SPLICE_F_NONBLOCK));
    loff_t offset = 0;
    SHOW(splice(s[1], &offset, b[1], NULL, 10, SPLICE_F_NONBLOCK));
    SHOW(splice(a[0], NULL, s[0], &offset, 10, 0));
    SHOW(splice(s[0], NULL, s[1], NULL, 10, 0));
    SHOW(tee(s[0], b[1], 10, 0));
    MUST(read(a[0], back, sizeof back));
    close(s[0]);
    SHOW(splice(s[1], NULL, b[1], NULL, 10, 0));
    close(s[1]);
}

static void of_memory(void)
{
    struct iovec parts[3] = {{data, 100}, {data + 200, 0}, {data + 500, 300}};
    SHOW(vmsplice(a[1], parts, 3, 0));
    MUST(read(a[0], back, sizeof back));
    CHECK(!memcmp(back, data, 100) && !memcmp(back + 100, data + 500, 300));
    MUST(write(a[1], data, 250));
    struct iovec room[2] = {{back, 100}, {back + 1000, 1000}};
    SHOW(vmsplice(a[0], room, 2, 0));
    CHECK(!memcmp(back, data, 100) && !memcmp(back + 1000, data + 100, 150));
    SHOW(vmsplice(a[0], room, 2, SPLICE_F_NONBLOCK));
    SHOW(vmsplice(a[1], parts, 0, 0));
    SHOW(vmsplice(a[1], parts + 1, 1, 0));
    SHOW(vmsplice(a[1], parts, -1, 0));
    SHOW(vmsplice(a[1], parts, 1025, 0));
    SHOW(vmsplice(a[1], parts, 1, 16));
    SHOW(vmsplice(file, parts, 1, 0));
    SHOW(vmsplice(99, parts, 1, 0));
    struct iovec bad = {(void *)8, 10};
    SHOW(vmsplice(a[1], &bad, 1, 0));
}

static volatile int broken;
static void on_pipe(int signal) { broken += signal == SIGPIPE; }

static void of_errors(void)
{
    loff_t offset = 0;
    SHOW(splice(file, NULL, file, NULL, 10, 0));
    SHOW(splice(a[0], NULL, a[1], NULL, 10, 0));
    SHOW(splice(a[0], &offset, file, NULL, 10, 0));
    SHOW(splice(file, NULL, a[1], &offset, 10, 0));
    SHOW(splice(a[0], &offset, b[1], NULL, 10, 0));
    SHOW(splice(a[1], NULL, file, NULL, 10, 0));
    SHOW(splice(file, NULL, a[0], NULL, 10, 0));
    SHOW(splice(99, NULL, a[1], NULL, 10, 0));
    SHOW(splice(file, NULL, 99, NULL, 10, 0));
    SHOW(splice(99, NULL, 99, NULL, 0, 0));
    SHOW(splice(file, NULL, a[1], NULL, 10, 16));
    SHOW(splice(file, (loff_t *)8, a[1], NULL, 10, 0));
    SHOW(tee(a[0], a[1], 10, 0));
    SHOW(tee(file, a[1], 10, 0));
    SHOW(tee(a[0], file, 10, 0));
    SHOW(tee(a[1], b[1], 10, 0));
    SHOW(tee(99, b[1], 10, 0));
    SHOW(tee(99, 99, 0, 0));
    SHOW(tee(a[0], b[1], 10, 16));
    MUST(write(a[1], data, 10));
    signal(SIGPIPE, on_pipe);
    close(b[0]);
    SHOW(splice(a[0], NULL, b[1], NULL, 10, 0));
    SHOW(broken);
    SHOW(tee(a[0], b[1], 10, 0));
    SHOW(broken);
    SHOW(splice(file, NULL, b[1], NULL, 10, 0));
    SHOW(broken);
    struct iovec part = {data, 10};
    SHOW(vmsplice(b[1], &part, 1, 0));
    SHOW(broken);
    SHOW(check_read(a[0], data, 10));
    close(b[1]);
    MUST(pipe(b));
    close(a[1]);
    SHOW(splice(a[0], NULL, b[1], NULL, 10, 0));
    SHOW(tee(a[0], b[1], 10, 0));
    SHOW(splice(a[0], NULL, file, NULL, 10, 0));
    struct iovec room = {back, 10};
    SHOW(vmsplice(a[0], &room, 1, 0));
}

int main(void)
{
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 13 + i / 256);
    file = open("in", O_RDWR | O_CREAT | O_TRUNC, 0600);
    MUST(write(file, data, sizeof data));
    MUST(lseek(file, 0, SEEK_SET));
    MUST(pipe(a));
    MUST(pipe(b));
    between_file_and_pipe();
    between_pipes();
    with_sockets();
    of_memory();
    of_errors();
    close(a[0]);
    close(b[0]);
    close(b[1]);
    close(file);
    SHOW(unlink("in"));
    return 0;
}
