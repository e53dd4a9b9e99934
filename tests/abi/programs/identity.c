/* credentials(7), getresuid(2), setgroups(2), prctl(2), uname(2), getrlimit(2), sysinfo(2). */
#include "check.h"
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

int main(void)
{
    uid_t r, e, s;
    CHECK(getuid() == 0 && geteuid() == 0 && getgid() == 0 && getegid() == 0);
    CHECK(getpid() > 0 && gettid() == getpid());
    gid_t groups[] = {4, 5, 6}, back[8];
    SHOW(setgroups(3, groups));
    CHECK(getgroups(8, back) == 3 && back[2] == 6);
    SHOW(getgroups(2, back));
    SHOW(getgroups(0, NULL));
    SHOW(setegid(33));
    SHOW(setegid(0));
    SHOW(seteuid(33));
    CHECK(getuid() == 0 && geteuid() == 33);
    SHOW(seteuid(34));
    SHOW(seteuid(0));
    SHOW(setgid(33));
    SHOW(setresuid(-1, 33, 44));
    getresuid(&r, &e, &s);
    printf("%u %u %u\n", r, e, s);
    SHOW(setresuid(55, -1, -1));
    SHOW(setresuid(44, 44, 44));
    getresuid(&r, &e, &s);
    printf("%u %u %u\n", r, e, s);
    SHOW(setuid(0));
    SHOW(setgroups(1, groups));

    char name[17] = {0};
    SHOW(prctl(PR_SET_NAME, "a name that is too long"));
    SHOW(prctl(PR_GET_NAME, name));
    printf("%s\n", name);
    SHOW(prctl(PR_GET_DUMPABLE) >= 0);
    SHOW(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0));
    SHOW(prctl(12345, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));

    struct utsname u;
    SHOW(uname(&u));
    CHECK(strcmp(u.sysname, "Linux") == 0 && strcmp(u.machine, "x86_64") == 0);
    CHECK(strlen(u.release) >= 3 && u.nodename[0]);
    SHOW(uname((void *)8));

    struct rlimit limit, set = {100, 200};
    SHOW(getrlimit(RLIMIT_NOFILE, &limit));
    CHECK(limit.rlim_cur <= limit.rlim_max);
    SHOW(setrlimit(RLIMIT_CORE, &set));
    SHOW(prlimit(0, RLIMIT_CORE, NULL, &limit));
    printf("%ld %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
    set.rlim_cur = 300;
    SHOW(setrlimit(RLIMIT_CORE, &set));
    SHOW(getrlimit(99, &limit));
    struct rusage usage;
    SHOW(getrusage(RUSAGE_SELF, &usage));
    SHOW(getrusage(77, &usage));
    CHECK(usage.ru_maxrss > 0);
    struct sysinfo info;
    SHOW(sysinfo(&info));
    CHECK(info.totalram > info.freeram && info.freeram > 0 && info.uptime >= 0 && info.mem_unit == 1);

    cpu_set_t processors;
    CHECK(sched_getaffinity(0, sizeof processors, &processors) == 0 && CPU_COUNT(&processors) >= 1);
    SHOW(sched_yield());
    SHOW(sched_getscheduler(0));
    SHOW(sched_get_priority_max(SCHED_FIFO));
    SHOW(sched_get_priority_max(77));
    unsigned cpu, node;
    SHOW(getcpu(&cpu, &node));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(getppid() >= 0);
    return 0;
}
