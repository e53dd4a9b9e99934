/* time(2), gettimeofday(2), vdso(7): the calls and the vDSO's functions tell the same time. */
#include "check.h"
#include <sched.h>
#include <sys/time.h>

int main(void)
{
    time_t stored = 0, t = time(&stored);
    struct timeval tv, by_call;
    struct timezone zone = {77, 77};
    struct timespec ts;
    CHECK(t == stored);
    CHECK(labs((long)syscall(SYS_time, NULL) - t) <= 1);
    SHOW(syscall(SYS_time, (void *)1));
    MUST(gettimeofday(&tv, NULL));
    MUST(syscall(SYS_gettimeofday, &by_call, &zone));
    CHECK(labs(by_call.tv_sec - tv.tv_sec) <= 1 && by_call.tv_usec < 1000000);
    printf("zone %d %d\n", zone.tz_minuteswest, zone.tz_dsttime);
    SHOW(syscall(SYS_gettimeofday, NULL, NULL));
    SHOW(syscall(SYS_gettimeofday, (void *)1, NULL));
    SHOW(syscall(SYS_gettimeofday, &tv, (void *)1));
    int backwards = 0;
    long long last = 0;
    for (int i = 0; i < 3000; i++) {
        if (i % 2)
            syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
        else
            clock_gettime(CLOCK_MONOTONIC, &ts);
        long long now = ts.tv_sec * 1000000000LL + ts.tv_nsec;
        backwards += now < last;
        last = now;
    }
    SHOW(backwards);
    backwards = last = 0;
    for (int i = 0; i < 3000; i++) {
        if (i % 2)
            syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts);
        else
            clock_gettime(CLOCK_REALTIME, &ts);
        long long now = ts.tv_sec * 1000000000LL + ts.tv_nsec;
        backwards += now < last;
        last = now;
    }
    SHOW(backwards);
    CHECK(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
    unsigned cpu = 77, node = 77;
    SHOW(getcpu(&cpu, &node));
    CHECK(cpu < 1024 && node < 64);
    SHOW(syscall(SYS_getcpu, NULL, NULL, NULL));
    SHOW(syscall(SYS_getcpu, (void *)1, NULL, NULL));
    return 0;
}
