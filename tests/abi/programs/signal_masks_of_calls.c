/* ppoll(2), pselect(2), epoll_pwait(2): a signal that only their mask lets in waits on where they
 * find something; where they do not, it ends them, with no time to wait as well. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

static volatile int seen;

static void count(int signal)
{
    (void)signal;
    seen++;
}

int main(void)
{
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGUSR1, count);
    int pipes[2], instance = epoll_create1(0);
    char byte;
    MUST(pipe(pipes));
    MUST(write(pipes[1], "x", 1));
    raise(SIGUSR1);

    struct pollfd polled = {pipes[0], POLLIN, 0};
    struct timespec zero = {0, 0};
    SHOW(ppoll(&polled, 1, NULL, &none));
    SHOW(seen);
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(pipes[0], &readable);
    SHOW(pselect(pipes[0] + 1, &readable, NULL, NULL, NULL, &none));
    SHOW(seen);
    struct epoll_event event = {EPOLLIN, {0}};
    MUST(epoll_ctl(instance, EPOLL_CTL_ADD, pipes[0], &event));
    SHOW(epoll_pwait(instance, &event, 1, -1, &none));
    SHOW(seen);
    MUST(read(pipes[0], &byte, 1));
    SHOW(ppoll(&polled, 1, &zero, &none));
    SHOW(seen);
    return 0;
}
