/* clock_gettime(2), clock_getres(2), clock_nanosleep(2), gettimeofday(2), time(2), times(2): the
 * calls and the vDSO agree, time does not run backwards, sleeps are as long as asked. */
#include "check.h"
#include <sys/auxv.h>
#include <sys/time.h>
#include <sys/times.h>

static int64_t ns(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }

int main(void)
{
    clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME,
                          CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
                          CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        struct timespec by_call, by_library, after, resolution;
        MUST(syscall(SYS_clock_gettime, clocks[i], &by_call));
        MUST(clock_gettime(clocks[i], &by_library));
        MUST(syscall(SYS_clock_gettime, clocks[i], &after));
        MUST(clock_getres(clocks[i], &resolution));
        int64_t slack = 10000000; /* a coarse clock is behind by up to a tick */
        printf("clock %d: ordered %d %d, resolution below 11 ms %d\n", clocks[i],
               ns(by_library) + slack >= ns(by_call), ns(after) + slack >= ns(by_library),
               ns(resolution) > 0 && ns(resolution) < 11000000);
    }
    struct timespec a, b;
    int backwards = 0;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < 20000; i++) {
        clock_gettime(CLOCK_MONOTONIC, &b);
        backwards += ns(b) < ns(a);
        a = b;
    }
    CHECK(backwards == 0);
    CHECK(getauxval(AT_SYSINFO_EHDR) != 0);
    struct timeval tv;
    struct timespec real;
    gettimeofday(&tv, NULL);
    clock_gettime(CLOCK_REALTIME, &real);
    CHECK(llabs(real.tv_sec - tv.tv_sec) <= 1 && llabs(time(NULL) - real.tv_sec) <= 1);
    CHECK(real.tv_sec > 1700000000);
    SHOW(clock_gettime(1234, &real));
    SHOW(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (void *)8));

    long before = now_ms();
    struct timespec nap = {0, 30000000};
    SHOW(clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL));
    long slept = now_ms() - before;
    CHECK(slept >= 29 && slept < 2000);
    clock_gettime(CLOCK_REALTIME, &real);
    real.tv_nsec += 30000000;
    real.tv_sec += real.tv_nsec / 1000000000;
    real.tv_nsec %= 1000000000;
    before = now_ms();
    SHOW(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &real, NULL));
    CHECK(now_ms() - before >= 28);
    nap.tv_nsec = -1;
    SHOW(nanosleep(&nap, NULL));
    nap.tv_nsec = 1000000000;
    SHOW(nanosleep(&nap, NULL));
    CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &a, NULL) == EINVAL);
    struct tms used;
    CHECK(times(&used) > 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    for (volatile int i = 0; i < 3000000; i++)
        ;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    CHECK(ns(b) > ns(a));
    return 0;
}
