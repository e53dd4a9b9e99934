/* eventfd(2), epoll(7), timerfd(2), signalfd(2): event descriptors that two processes share. */
#include "process.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static int event, epoll, timer, signals;

static int adds(void)
{
    struct epoll_event one = {.events = EPOLLIN, .data.u32 = 5};
    uint64_t value = 1;
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &one));
    sleep_ms(10);
    return write(event, &value, 8) == 8 ? 0 : 1;
}

static int arms(void)
{
    struct itimerspec soon = {{0, 0}, {0, 10000000}};
    return timerfd_settime(timer, 0, &soon, NULL);
}

static int reads_its_own_signals(void)
{
    struct signalfd_siginfo info;
    struct pollfd p = {signals, POLLIN, 0};
    SHOW(poll(&p, 1, 0)); /* the parent's pending signal is not the child's */
    raise(SIGUSR2);
    MUST(read(signals, &info, sizeof info));
    SHOW(info.ssi_signo);
    CHECK((pid_t)info.ssi_pid == getpid());
    return 0;
}

static int takes_one(void)
{
    uint64_t value;
    return read(event, &value, 8) == 8 ? (int)value : 99;
}

int main(void)
{
    struct epoll_event got;
    struct signalfd_siginfo info;
    uint64_t value;
    sigset_t set;
    event = eventfd(0, 0);
    epoll = epoll_create1(0);
    pid_t pid = child(adds);
    SHOW(epoll_wait(epoll, &got, 1, 2000));
    SHOW(got.data.u32);
    reap("adds", pid);
    MUST(read(event, &value, 8));
    SHOW(epoll_wait(epoll, &got, 1, 0));
    close(event);

    timer = timerfd_create(CLOCK_MONOTONIC, 0);
    pid = child(arms);
    MUST(read(timer, &value, 8));
    SHOW(value);
    reap("arms", pid);

    event = eventfd(0, EFD_SEMAPHORE);
    pid_t first = child(takes_one), second = child(takes_one);
    value = 2;
    MUST(write(event, &value, 8));
    reap("takes one", first);
    reap("takes one", second);

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, 0);
    raise(SIGUSR1);
    run("reads its own signals", reads_its_own_signals);
    MUST(read(signals, &info, sizeof info));
    SHOW(info.ssi_signo);
    close(signals);
    close(event);
    close(timer);
    close(epoll);
    return 0;
}
