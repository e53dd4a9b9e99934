/* timerfd_create(2): absolute times, clocks, flags, what is left, and the errors. */
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>

enum { SOON_MS = 250 }; /* more than a processor that others use as well stands still */

static int ready(int fd, int timeout)
{
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    int count = poll(&p, 1, timeout);
    return count <= 0 ? count : p.revents;
}

static struct timespec in(clockid_t clock, long ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void on(const char *name, clockid_t clock)
{
    uint64_t count = 0;
    struct itimerspec spec = {.it_value = in(clock, SOON_MS)}, left;
    int fd = timerfd_create(clock, TFD_NONBLOCK);
    printf("%s\n", name);
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL));
    SHOW(read(fd, &count, 8));
    MUST(timerfd_gettime(fd, &left));
    CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec <= SOON_MS * 1000000); /* relative, whatever was set */
    SHOW(ready(fd, 1000));
    MUST(timerfd_gettime(fd, &left));
    SHOW(left.it_value.tv_nsec);
    SHOW(read(fd, &count, 8));
    SHOW(count);
    SHOW(ready(fd, 0));
    spec.it_value = (struct timespec){0, 1};
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL)); /* long past */
    SHOW(ready(fd, 100));
    close(fd);
}

int main(void)
{
    struct itimerspec spec = {{2, 0}, {1000, 0}}, old, off = {0};
    uint64_t count;
    char small[4];
    on("realtime", CLOCK_REALTIME);
    on("monotonic", CLOCK_MONOTONIC);
    on("boottime", CLOCK_BOOTTIME);
    SHOW(timerfd_create(CLOCK_TAI, 0));
    SHOW(timerfd_create(CLOCK_MONOTONIC_RAW, 0));
    SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
    SHOW(timerfd_create(99, 0));
    SHOW(timerfd_create(CLOCK_MONOTONIC, 1));
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    SHOW(fcntl(fd, F_GETFD));
    CHECK((fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == (O_RDWR | O_NONBLOCK));
    SHOW(timerfd_settime(fd, 0, &spec, NULL));
    SHOW(timerfd_settime(fd, 0, &off, &old));
    CHECK(old.it_value.tv_sec >= 999 && old.it_interval.tv_sec == 2);
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL));
    SHOW(timerfd_settime(fd, 0x80, &spec, NULL));
    SHOW(timerfd_settime(fd, 0, NULL, NULL));
    SHOW(timerfd_settime(fd, 0, &off, (void *)1));
    SHOW(timerfd_gettime(fd, (void *)1));
    spec.it_value.tv_nsec = 1000000000;
    SHOW(timerfd_settime(fd, 0, &spec, NULL));
    spec.it_value = (struct timespec){-1, 0};
    SHOW(timerfd_settime(fd, 0, &spec, NULL));
    spec = (struct itimerspec){.it_value = {0, 1}};
    MUST(timerfd_settime(fd, 0, &spec, NULL));
    SHOW(ready(fd, 1000));
    SHOW(read(fd, small, sizeof small));
    SHOW(read(fd, (void *)1, 8));
    SHOW(write(fd, &count, 8));
    SHOW(timerfd_settime(1, 0, &spec, NULL));
    SHOW(timerfd_settime(99, 0, &spec, NULL));
    SHOW(timerfd_gettime(99, &old));
    close(fd);
    return 0;
}
