/* clock_gettime(2) CPU clocks, times(2), clock(3), getrusage(2): what computing and sleeping cost. */
#include "check.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/times.h>

static long us(clockid_t id)
{
    struct timespec t;
    MUST(clock_gettime(id, &t));
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void compute(long for_us)
{
    long until = us(CLOCK_THREAD_CPUTIME_ID) + for_us;
    while (us(CLOCK_THREAD_CPUTIME_ID) < until)
        ;
}

static long used(int who)
{
    struct rusage usage;
    MUST(getrusage(who, &usage));
    return usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1000000 +
           usage.ru_stime.tv_usec;
}

static void *computes(void *arg)
{
    CHECK(us(CLOCK_THREAD_CPUTIME_ID) < 20000); /* a thread's clock begins with it */
    compute(30000);
    CHECK(used(RUSAGE_THREAD) >= 25000);
    return arg;
}

int main(void)
{
    struct rusage usage;
    struct tms tms;
    pthread_t thread;
    long process = us(CLOCK_PROCESS_CPUTIME_ID), wall = now_ms();
    sleep_ms(40);
    CHECK(us(CLOCK_PROCESS_CPUTIME_ID) - process < 20000);
    CHECK(now_ms() - wall >= 40);
    process = us(CLOCK_PROCESS_CPUTIME_ID);
    compute(30000);
    CHECK(us(CLOCK_PROCESS_CPUTIME_ID) - process >= 30000);
    CHECK(used(RUSAGE_SELF) >= 25000);
    CHECK(used(RUSAGE_THREAD) >= 25000);

    long own = us(CLOCK_THREAD_CPUTIME_ID);
    process = us(CLOCK_PROCESS_CPUTIME_ID);
    pthread_create(&thread, NULL, computes, NULL);
    pthread_join(thread, NULL);
    CHECK(us(CLOCK_THREAD_CPUTIME_ID) - own < 20000); /* waiting for it costs nothing */
    CHECK(us(CLOCK_PROCESS_CPUTIME_ID) - process >= 30000); /* and the process pays for both */
    CHECK(clock() >= 60000);
    CHECK(times(&tms) > 0 && tms.tms_utime + tms.tms_stime >= 4);
    CHECK(tms.tms_cutime == 0 && tms.tms_cstime == 0);
    SHOW(times(NULL) == -1);
    SHOW(used(RUSAGE_CHILDREN));
    SHOW(getrusage(7, &usage));
    SHOW(getrusage(-2, &usage));
    SHOW(syscall(SYS_getrusage, RUSAGE_SELF, NULL));
    SHOW(syscall(SYS_times, (void *)1));
    MUST(getrusage(RUSAGE_SELF, &usage));
    CHECK(usage.ru_maxrss > 0);
    SHOW(usage.ru_ixrss + usage.ru_idrss + usage.ru_isrss + usage.ru_nswap + usage.ru_msgsnd);
    return 0;
}
