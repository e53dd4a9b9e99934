/* signalfd(2): pending signals are read, in order of number, and then are no longer pending. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

static int polled(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

int main(void)
{
    struct signalfd_siginfo info[4];
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    MUST(fd);
    SHOW(polled(fd));
    SHOW(read(fd, info, sizeof info));
    SHOW(kill(getpid(), SIGUSR1));
    SHOW(kill(getpid(), SIGUSR1));
    SHOW(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5}));
    SHOW(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 6}));
    SHOW(polled(fd));
    SHOW(read(fd, info, sizeof info[0] - 1));
    SHOW(read(fd, info, sizeof info) / (long)sizeof info[0]);
    CHECK(info[0].ssi_signo == SIGUSR1 && info[0].ssi_pid == (unsigned)getpid());
    SHOW(info[0].ssi_code);
    CHECK(info[1].ssi_signo == (unsigned)SIGRTMIN && info[1].ssi_int == 5 && info[2].ssi_int == 6);
    SHOW(info[1].ssi_code);
    SHOW(polled(fd));
    sigpending(&pending);
    SHOW(sigismember(&pending, SIGUSR1));
    sigdelset(&set, SIGUSR1);
    SHOW(signalfd(fd, &set, 0) == fd);
    raise(SIGUSR1);
    SHOW(polled(fd));
    struct timespec none = {0};
    sigaddset(&set, SIGUSR1);
    SHOW(sigtimedwait(&set, NULL, &none) == SIGUSR1);
    SHOW(write(fd, info, 8));
    SHOW(signalfd(-1, &set, 0x1));
    SHOW(signalfd(1, &set, 0));
    SHOW(signalfd(99, &set, 0));
    close(fd);
    return 0;
}
