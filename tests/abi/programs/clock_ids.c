/* clock_gettime(2), clock_getres(2), clock_settime(2): every clock there is, and those there are not. */
#include "check.h"
#include <pthread.h>

static const struct {
    const char *name;
    clockid_t id;
} clocks[] = {
    {"realtime", 0},         {"monotonic", 1},         {"process", 2},        {"thread", 3},
    {"monotonic raw", 4},    {"realtime coarse", 5},   {"monotonic coarse", 6}, {"boottime", 7},
    {"realtime alarm", 8},   {"boottime alarm", 9},    {"sgi", 10},           {"tai", 11},
};

static long long ns(clockid_t id)
{
    struct timespec t;
    MUST(clock_gettime(id, &t));
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(void)
{
    struct timespec t;
    for (int i = 0; i < 12; i++) {
        if (i == 8 || i == 9) /* only with a clock that can wake the machine */
            continue;
        printf("%s: %ld", clocks[i].name, syscall(SYS_clock_gettime, clocks[i].id, &t));
        int known = syscall(SYS_clock_getres, clocks[i].id, &t) == 0;
        printf(", resolution %d %d\n", known, known && t.tv_sec == 0 && t.tv_nsec > 0);
    }
    SHOW(syscall(SYS_clock_gettime, 16, &t));
    SHOW(syscall(SYS_clock_gettime, 1000, &t));
    SHOW(syscall(SYS_clock_gettime, CLOCK_REALTIME, (void *)1));
    SHOW(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, NULL));
    SHOW(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
    SHOW(syscall(SYS_clock_getres, CLOCK_MONOTONIC, (void *)1));
    SHOW(syscall(SYS_clock_getres, 77, NULL));
    SHOW(clock_getres(CLOCK_MONOTONIC, &t));
    SHOW(t.tv_nsec);

    for (int i = 0; i < 12; i++) {
        if (i == 10 || i == 8 || i == 9)
            continue;
        long long before = ns(clocks[i].id), after = ns(clocks[i].id);
        printf("%s goes on: %d\n", clocks[i].name, after >= before);
    }
    CHECK(ns(CLOCK_BOOTTIME) >= ns(CLOCK_MONOTONIC) - 1000000);
    CHECK(ns(CLOCK_REALTIME) - ns(CLOCK_REALTIME_COARSE) < 100000000);
    CHECK(ns(CLOCK_REALTIME_COARSE) <= ns(CLOCK_REALTIME));
    CHECK(ns(CLOCK_MONOTONIC_COARSE) <= ns(CLOCK_MONOTONIC));
    CHECK(ns(CLOCK_REALTIME) > 1600000000LL * 1000000000);

    SHOW(clock_settime(CLOCK_MONOTONIC, &t));
    SHOW(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &t));
    SHOW(clock_settime(99, &t));
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, (void *)1));
    t = (struct timespec){0, 1000000000};
    SHOW(clock_settime(CLOCK_REALTIME, &t));
    t = (struct timespec){-1, 0};
    SHOW(clock_settime(CLOCK_REALTIME, &t));

    clockid_t id;
    SHOW(clock_getcpuclockid(0, &id));
    CHECK(ns(id) > 0);
    SHOW(clock_getcpuclockid(getpid(), &id));
    CHECK(ns(id) > 0);
    CHECK(clock_getcpuclockid(1 << 28, &id) == ESRCH);
    CHECK(pthread_getcpuclockid(pthread_self(), &id) == 0 && ns(id) > 0);
    return 0;
}
