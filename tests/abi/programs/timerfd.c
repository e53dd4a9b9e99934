/* timerfd_create(2): relative, absolute, periodic, disarmed; what is read and what is left. */
#include "check.h"
#include <poll.h>
#include <sys/timerfd.h>

static int wait_for(int fd, int timeout_ms)
{
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    return poll(&p, 1, timeout_ms) < 0 ? -1 : p.revents;
}

static long take(int fd)
{
    uint64_t value = 0;
    long got = read(fd, &value, 8);
    return got == 8 ? (long)value : got;
}

int main(void)
{
    struct itimerspec t = {{0, 0}, {0, 30000000}}, old, off = {0};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    MUST(fd);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(take(fd));
    SHOW(wait_for(fd, 0));
    long before = now_ms();
    SHOW(timerfd_settime(fd, 0, &t, &old));
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
    SHOW(timerfd_gettime(fd, &old));
    CHECK(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 30000000 && old.it_interval.tv_nsec == 0);
    SHOW(take(fd));
    SHOW(wait_for(fd, 2000));
    CHECK(now_ms() - before >= 29);
    SHOW(take(fd));
    SHOW(take(fd));
    timerfd_gettime(fd, &old);
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);

    t.it_interval.tv_nsec = 10000000;
    t.it_value.tv_nsec = 1;
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    sleep_ms(55);
    CHECK(take(fd) >= 5);
    SHOW(wait_for(fd, 2000));
    timerfd_gettime(fd, &old);
    CHECK(old.it_interval.tv_nsec == 10000000 && old.it_value.tv_nsec <= 10000000);
    SHOW(timerfd_settime(fd, 0, &off, &old)); /* disarming forgets what expired */
    SHOW(old.it_interval.tv_nsec);
    SHOW(wait_for(fd, 30));
    SHOW(take(fd));

    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    t.it_interval.tv_nsec = 0;
    t.it_value = now;
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
    SHOW(wait_for(fd, 2000));
    SHOW(take(fd));
    t.it_value.tv_nsec = 1000000000;
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    t.it_value.tv_nsec = -1;
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    SHOW(timerfd_settime(fd, 0x100, &off, NULL));
    SHOW(write(fd, &t, 8));
    SHOW(read(fd, &t, 7));
    close(fd);
    SHOW(timerfd_create(77, 0));
    SHOW(timerfd_create(CLOCK_REALTIME, 0x1));
    SHOW(timerfd_gettime(0, &old));
    SHOW(timerfd_gettime(99, &old));

    fd = timerfd_create(CLOCK_REALTIME, 0);
    t.it_value.tv_nsec = 20000000;
    t.it_value.tv_sec = 0;
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    SHOW(take(fd)); /* blocks */
    close(fd);
    return 0;
}
