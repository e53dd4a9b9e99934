/* getrusage(2), times(2), wait4(2): what children used counts once they were waited for. */
#include "process.h"
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>

static long used_us(int who)
{
    struct rusage usage;
    MUST(getrusage(who, &usage));
    return usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1000000 +
           usage.ru_stime.tv_usec;
}

static void compute(long ms)
{
    struct timespec now;
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < ms);
}

static int computes(void)
{
    CHECK(used_us(RUSAGE_SELF) < 25000); /* the parent's time is not inherited */
    CHECK(used_us(RUSAGE_CHILDREN) == 0);
    compute(30);
    return 0;
}

static int with_a_grandchild(void)
{
    run("grandchild", computes);
    return used_us(RUSAGE_CHILDREN) >= 25000 ? 5 : 1;
}

int main(void)
{
    struct tms before, after;
    struct rusage usage;
    SHOW(used_us(RUSAGE_CHILDREN));
    compute(30);
    times(&before);
    pid_t pid = child(computes);
    CHECK(comes_to(pid, 'Z'));
    SHOW(used_us(RUSAGE_CHILDREN));
    CHECK(wait4(pid, NULL, 0, &usage) == pid);
    long us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
              usage.ru_stime.tv_usec;
    CHECK(us >= 25000 && us < 1000000);
    CHECK(used_us(RUSAGE_CHILDREN) == us);
    times(&after);
    CHECK(after.tms_cutime + after.tms_cstime >= before.tms_cutime + before.tms_cstime + 2);
    run("child with a child", with_a_grandchild);
    CHECK(used_us(RUSAGE_CHILDREN) >= us + 25000);
    CHECK(used_us(RUSAGE_SELF) >= 25000);
    signal(SIGCHLD, SIG_IGN); /* never waited for: never counted */
    us = used_us(RUSAGE_CHILDREN);
    pid = child(computes);
    SHOW(waitpid(pid, NULL, 0));
    CHECK(used_us(RUSAGE_CHILDREN) == us);
    return 0;
}
