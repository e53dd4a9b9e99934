/* pipe(2), pipe(7): ends, EPIPE and SIGPIPE, O_NONBLOCK, PIPE_BUF, FIONREAD, F_SETPIPE_SZ. */
#include "check.h"
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>

static char big[70000];
static volatile int signals;

static void count(int signal)
{
    signals += signal == SIGPIPE;
}

static int polled(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static int readable(int fd)
{
    int bytes = -1;
    ioctl(fd, FIONREAD, &bytes);
    return bytes;
}

int main(void)
{
    int p[2];
    MUST(pipe2(p, O_NONBLOCK | O_CLOEXEC));
    SHOW(fcntl(p[0], F_GETFL) & (O_NONBLOCK | O_ACCMODE));
    SHOW(fcntl(p[1], F_GETFL) & (O_NONBLOCK | O_ACCMODE));
    SHOW(fcntl(p[1], F_GETFD));
    SHOW(polled(p[0]));
    SHOW(polled(p[1]));
    SHOW(read(p[0], big, 10));
    SHOW(read(p[1], big, 10));
    SHOW(write(p[0], big, 10));
    SHOW(write(p[1], "hello", 5));
    SHOW(write(p[1], "", 0));
    SHOW(polled(p[0]));
    SHOW(polled(p[1]));
    SHOW(readable(p[0]));
    SHOW(readable(p[1]));
    SHOW(read(p[0], big, 0));
    SHOW(read(p[0], big, 2));
    SHOW(read(p[0], big, 10));
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(write(p[1], big, sizeof big));
    SHOW(polled(p[0]));
    SHOW(polled(p[1]));
    SHOW(write(p[1], big, 1));
    SHOW(readable(p[0]));
    SHOW(read(p[0], big, 4095));
    SHOW(polled(p[1])); /* room is counted in pages */
    SHOW(write(p[1], big, PIPE_BUF));
    SHOW(read(p[0], big, 1));
    SHOW(polled(p[1]));
    SHOW(write(p[1], big, PIPE_BUF));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 4096));
    SHOW(read(p[0], big, sizeof big));
    SHOW(read(p[0], big, sizeof big));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 4096));
    SHOW(fcntl(p[1], F_GETPIPE_SZ));
    SHOW(write(p[1], big, 5000));
    SHOW(read(p[0], big, sizeof big));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 5000));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 0));

    SHOW(write(p[1], "left", 4));
    close(p[1]);
    SHOW(polled(p[0]));
    SHOW(read(p[0], big, 10));
    SHOW(polled(p[0]));
    SHOW(read(p[0], big, 10));
    SHOW(read(p[0], big, 10));
    close(p[0]);

    MUST(pipe(p));
    signal(SIGPIPE, count);
    close(p[0]);
    SHOW(polled(p[1]));
    SHOW(write(p[1], big, 10));
    SHOW(signals);
    SHOW(write(p[1], big, 0));
    SHOW(signals);
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(p[1], big, 10));
    close(p[1]);
    SHOW(pipe2(p, O_APPEND));
    SHOW(pipe((int *)8));
    struct stat s;
    MUST(pipe(p));
    SHOW(fstat(p[0], &s));
    CHECK(S_ISFIFO(s.st_mode));
    int again = dup(p[1]);
    close(p[1]);
    SHOW(polled(p[0]));
    close(again);
    SHOW(polled(p[0]));
    close(p[0]);
    return 0;
}
