/* eventfd(2), timerfd_create(2), signalfd(2): values, semaphores, intervals, readiness. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static short ready(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    poll(&p, 1, 0);
    return p.revents;
}

int main(void)
{
    uint64_t value;
    int fd = eventfd(3, EFD_NONBLOCK);
    printf("%x\n", ready(fd));
    SHOW(read(fd, &value, 8));
    printf("%lu %x\n", value, ready(fd));
    SHOW(read(fd, &value, 8));
    value = 5;
    SHOW(write(fd, &value, 8));
    SHOW(write(fd, &value, 8));
    SHOW(read(fd, &value, 4));
    SHOW(read(fd, &value, 8));
    printf("%lu\n", value);
    value = UINT64_MAX;
    SHOW(write(fd, &value, 8));
    value = UINT64_MAX - 1;
    SHOW(write(fd, &value, 8));
    printf("%x\n", ready(fd));
    value = 1;
    SHOW(write(fd, &value, 8));
    SHOW(write(fd, &value, 4));
    close(fd);
    fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    for (int i = 0; i < 3; i++)
        if (SHOW(read(fd, &value, 8)) == 8)
            printf("%lu\n", value);
    close(fd);
    SHOW(eventfd(0, 0x7777));

    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    SHOW(read(fd, &value, 8));
    struct itimerspec soon = {{0, 10000000}, {0, 20000000}}, old, off = {0};
    long before = now_ms();
    SHOW(timerfd_settime(fd, 0, &soon, NULL));
    SHOW(timerfd_gettime(fd, &old));
    CHECK(old.it_interval.tv_nsec == 10000000 && old.it_value.tv_nsec > 0);
    struct pollfd p = {fd, POLLIN, 0};
    SHOW(poll(&p, 1, 1000));
    CHECK(now_ms() - before >= 18 && now_ms() - before < 900);
    sleep_ms(35);
    SHOW(read(fd, &value, 8));
    CHECK(value >= 3 && value < 2000);
    SHOW(timerfd_settime(fd, 0, &off, &old));
    SHOW(poll(&p, 1, 30));
    struct itimerspec past = {{0, 0}, {0, 1}};
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &past, NULL));
    SHOW(read(fd, &value, 8));
    printf("%lu\n", value);
    SHOW(timerfd_settime(fd, 0x100, &past, NULL));
    past.it_value.tv_nsec = -1;
    SHOW(timerfd_settime(fd, 0, &past, NULL));
    SHOW(read(fd, &value, 7));
    SHOW(write(fd, &value, 8));
    close(fd);
    SHOW(timerfd_create(99, 0));

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_NONBLOCK);
    struct signalfd_siginfo info;
    SHOW(read(fd, &info, sizeof info));
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 99});
    p.fd = fd;
    SHOW(poll(&p, 1, 0));
    SHOW(read(fd, &info, sizeof info));
    CHECK(info.ssi_signo == SIGUSR1 && info.ssi_int == 99 && info.ssi_pid == (uint32_t)getpid());
    SHOW(read(fd, &info, 10));
    close(fd);
    return 0;
}
