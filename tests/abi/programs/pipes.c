/* pipe(7): end of file, EPIPE and SIGPIPE, capacity, non-blocking and atomic writes, readiness. */
#include "check.h"
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

static volatile int pipes_broken;
static int fds[2];
static void on_pipe(int signal) { pipes_broken += signal == SIGPIPE; }

static short ready(int fd, short events)
{
    struct pollfd p = {fd, events, 0};
    poll(&p, 1, 0);
    return p.revents;
}

static void *writer(void *arg)
{
    char block[4096];
    memset(block, *(char *)arg, sizeof block);
    for (int i = 0; i < 50; i++)
        MUST(write(fds[1], block, sizeof block));
    return NULL;
}

int main(void)
{
    char buffer[70000] = {0};
    signal(SIGPIPE, on_pipe);
    MUST(pipe(fds));
    printf("%x %x\n", ready(fds[0], POLLIN | POLLOUT), ready(fds[1], POLLIN | POLLOUT));
    SHOW(write(fds[1], "abc", 3));
    printf("%x %x\n", ready(fds[0], POLLIN | POLLOUT), ready(fds[1], POLLIN | POLLOUT));
    SHOW(read(fds[0], buffer, 2));
    SHOW(read(fds[0], buffer, 100));
    SHOW(write(fds[0], "x", 1));
    SHOW(read(fds[1], buffer, 1));
    SHOW(lseek(fds[0], 0, SEEK_SET));
    SHOW(pread(fds[0], buffer, 1, 0));
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    SHOW(read(fds[0], buffer, 1));
    SHOW(read(fds[0], buffer, 0));
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    SHOW(fcntl(fds[1], F_GETPIPE_SZ));
    SHOW(write(fds[1], buffer, 70000));
    SHOW(write(fds[1], buffer, 1));
    printf("%x\n", ready(fds[1], POLLOUT));
    SHOW(read(fds[0], buffer, 100));
    SHOW(write(fds[1], buffer, PIPE_BUF));
    SHOW(read(fds[0], buffer, 4096));
    SHOW(write(fds[1], buffer, PIPE_BUF));
    printf("%x\n", ready(fds[1], POLLOUT) & POLLOUT ? 1 : 0);
    while (read(fds[0], buffer, sizeof buffer) > 0)
        ;
    SHOW(fcntl(fds[0], F_SETPIPE_SZ, 4096));
    SHOW(write(fds[1], buffer, 5000));
    while (read(fds[0], buffer, sizeof buffer) > 0)
        ;
    SHOW(close(fds[1]));
    printf("%x\n", ready(fds[0], POLLIN));
    SHOW(read(fds[0], buffer, 1));
    close(fds[0]);

    MUST(pipe(fds));
    close(fds[0]);
    printf("%x\n", ready(fds[1], POLLOUT));
    SHOW(write(fds[1], "x", 1));
    CHECK(pipes_broken == 1);
    SHOW(write(fds[1], "", 0));
    close(fds[1]);

    MUST(pipe(fds));
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, writer, &"abc"[i]);
    int mixed = 0;
    for (long total = 0; total < 3 * 50 * 4096;) {
        long n = 0;
        while (n < 4096)
            n += read(fds[0], buffer + n, 4096 - n);
        for (int i = 1; i < 4096; i++)
            mixed += buffer[i] != buffer[0];
        total += n;
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK(mixed == 0);
    close(fds[0]);
    close(fds[1]);
    SHOW(pipe2(fds, 0x12345));
    SHOW(mkfifo("fifo", 0600));
    SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
    int reader = open("fifo", O_RDONLY | O_NONBLOCK), other = open("fifo", O_WRONLY | O_NONBLOCK);
    CHECK(reader >= 0 && other >= 0);
    SHOW(write(other, "through", 7));
    SHOW(read(reader, buffer, 100));
    SHOW(read(reader, buffer, 100));
    close(other);
    SHOW(read(reader, buffer, 100));
    close(reader);
    unlink("fifo");
    return 0;
}
