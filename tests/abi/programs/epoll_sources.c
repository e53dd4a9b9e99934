/* epoll(7): what each kind of event file, pipe and socket pair reports, level and edge. */
#include "check.h"
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int e;

static void watch(int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    MUST(epoll_ctl(e, EPOLL_CTL_ADD, fd, &event));
}

static void show_events(const char *when, int timeout)
{
    struct epoll_event event = {0};
    int count = epoll_wait(e, &event, 1, timeout);
    printf("%s: %d %x\n", when, count, count > 0 ? event.events : 0);
}

static void of_event(void)
{
    uint64_t value = UINT64_MAX - 1;
    int fd = eventfd(0, EFD_NONBLOCK);
    watch(fd, EPOLLIN | EPOLLOUT);
    show_events("eventfd at 0", 0);
    MUST(write(fd, &value, 8));
    show_events("full", 0);
    value = 1;
    SHOW(write(fd, &value, 8));
    MUST(read(fd, &value, 8));
    show_events("read", 0);
    close(fd);
}

static void of_timer(void)
{
    struct itimerspec soon = {{0, 0}, {0, 5000000}};
    uint64_t count;
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    watch(fd, EPOLLIN | EPOLLOUT | EPOLLET);
    show_events("timer", 0);
    MUST(timerfd_settime(fd, 0, &soon, NULL));
    show_events("expired", 1000);
    show_events("again", 0);
    MUST(timerfd_settime(fd, 0, &soon, NULL));
    show_events("armed again", 1000);
    MUST(read(fd, &count, 8));
    show_events("read", 0);
    close(fd);
}

static void of_signals(void)
{
    struct signalfd_siginfo info;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, 0);
    watch(fd, EPOLLIN | EPOLLOUT);
    show_events("no signal", 0);
    raise(SIGUSR1);
    show_events("signal", 0);
    MUST(read(fd, &info, sizeof info));
    show_events("taken", 0);
    close(fd);
}

static void of_pipe(void)
{
    int p[2];
    char page[4096] = {0};
    MUST(pipe2(p, O_NONBLOCK));
    watch(p[0], EPOLLIN | EPOLLRDHUP | EPOLLPRI);
    show_events("empty pipe", 0);
    MUST(write(p[1], "x", 1));
    show_events("with a byte", 0);
    close(p[1]);
    show_events("writer gone", 0);
    MUST(read(p[0], page, 1));
    show_events("and empty", 0);
    close(p[0]);
    MUST(pipe2(p, O_NONBLOCK));
    watch(p[1], EPOLLOUT);
    while (write(p[1], page, sizeof page) > 0)
        ;
    show_events("full pipe", 0);
    MUST(read(p[0], page, sizeof page));
    show_events("a page read", 0);
    close(p[0]);
    show_events("reader gone", 0);
    close(p[1]);
}

static void of_pair(void)
{
    int s[2];
    char byte;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    watch(s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    show_events("pair", 0);
    MUST(write(s[1], "x", 1));
    show_events("with a byte", 0);
    MUST(shutdown(s[1], SHUT_WR));
    show_events("half closed", 0);
    MUST(read(s[0], &byte, 1));
    close(s[1]);
    show_events("closed", 0);
    close(s[0]);
}

int main(void)
{
    e = epoll_create1(0);
    of_event();
    of_timer();
    of_signals();
    of_pipe();
    of_pair();
    close(e);
    return 0;
}
