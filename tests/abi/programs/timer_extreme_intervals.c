/* timerfd_settime(2), timer_settime(2), setitimer(2): intervals that end past all time, and ones so
 * short that the next expiry has passed when this one is told. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static volatile sig_atomic_t signals;

static void count(int signal)
{
    (void)signal;
    signals++;
}

static long expirations(int fd)
{
    uint64_t count = 0;
    return read(fd, &count, sizeof count) == sizeof count ? (long)count : -1;
}

static void work_for_ms(int milliseconds)
{
    struct timespec begun, now;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000
           < milliseconds);
}

/* A processor that stood still sends only one of the signals that are due. */
static void work_for_signals(int number)
{
    for (int i = 0; i < 500 && signals < number; i++)
        work_for_ms(10);
    CHECK(signals >= number);
}

static void check_descriptor(void)
{
    struct itimerspec once = {{INT64_MAX, 999999999}, {0, 1000000}}, often = {{0, 1}, {0, 1}};
    struct itimerspec off = {{0, 0}, {0, 0}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct pollfd polled = {fd, POLLIN, 0};
    MUST(timerfd_settime(fd, 0, &once, NULL));
    SHOW(poll(&polled, 1, 5000));
    SHOW(expirations(fd));
    work_for_ms(5);
    SHOW(expirations(fd));
    MUST(timerfd_settime(fd, 0, &often, NULL));
    work_for_ms(5);
    CHECK(expirations(fd) > 1000);
    MUST(timerfd_settime(fd, 0, &off, NULL));
    SHOW(expirations(fd));
    close(fd);
}

static void check_timer(void)
{
    struct itimerspec once = {{INT64_MAX / 2, 0}, {0, 1000000}}, often = {{0, 20000}, {0, 1}};
    struct itimerspec off = {{0, 0}, {0, 0}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer;
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
    MUST(timer_settime(timer, 0, &once, NULL));
    work_for_signals(1);
    CHECK(signals == 1);
    MUST(timer_settime(timer, 0, &often, NULL));
    work_for_signals(3);
    MUST(timer_settime(timer, 0, &off, NULL));
    MUST(timer_delete(timer));
}

static void check_interval_timer(void)
{
    struct itimerval often = {{0, 20}, {0, 1}}, off = {{0, 0}, {0, 0}};
    signals = 0;
    MUST(setitimer(ITIMER_REAL, &often, NULL));
    work_for_signals(3);
    MUST(setitimer(ITIMER_REAL, &off, NULL));
}

int main(void)
{
    signal(SIGUSR1, count);
    signal(SIGALRM, count);
    check_descriptor();
    check_timer();
    check_interval_timer();
    return 0;
}
