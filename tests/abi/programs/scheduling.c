/* sched_setscheduler(2), sched_getaffinity(2), getpriority(2), sched_yield(2): queries and errors. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int turns[2];

static void *yields(void *arg)
{
    for (int i = 0; i < 200; i++) {
        turns[(long)arg]++;
        sched_yield();
    }
    return arg;
}

/* What a process that is nobody in particular may do, and what its child then has. */
static int as_nobody(void)
{
    struct sched_param none = {0};
    if (setgid(65534) != 0 || setuid(65534) != 0)
        return 1;
    SHOW(sethostname("other", 5));
    SHOW(clock_settime(CLOCK_REALTIME, &(struct timespec){1, 0}));
    SHOW(clock_settime(CLOCK_MONOTONIC, &(struct timespec){1, 0}));
    SHOW(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &(struct timespec){1, 0}));
    clockid_t own;
    clock_getcpuclockid(0, &own);
    SHOW(clock_settime(own, &(struct timespec){1, 0}));
    SHOW(setpriority(PRIO_PROCESS, 0, 4));
    SHOW(setpriority(PRIO_PROCESS, 0, 3));
    SHOW(setpriority(PRIO_PROCESS, getppid(), 10));
    SHOW(sched_setscheduler(0, SCHED_IDLE, &none));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        SHOW(getpriority(PRIO_PROCESS, 0));
        SHOW(sched_getscheduler(0));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    fflush(stdout);
    return 0;
}

static void niceness(void)
{
    struct sched_param none = {0};
    struct timespec slice = {-1, -1};
    SHOW(setpriority(PRIO_PROCESS, 0, 7));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(setpriority(PRIO_PROCESS, getpid(), 100));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 0));
    SHOW(sched_setscheduler(0, SCHED_BATCH, &none));
    SHOW(sched_getscheduler(0));
    SHOW(sched_setscheduler(0, SCHED_OTHER, &none));
    SHOW(sched_rr_get_interval(0, &slice));
    CHECK(slice.tv_sec == 0 && slice.tv_nsec >= 0);
    SHOW(sched_rr_get_interval(-1, &slice));
    SHOW(sched_rr_get_interval(1 << 28, &slice));
    fflush(stdout);
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(as_nobody());
    waitpid(child, &status, 0);
    SHOW(status);
}

int main(void)
{
    struct sched_param parameter = {.sched_priority = 77};
    cpu_set_t set;
    for (int policy = 0; policy < 7; policy++) {
        printf("policy %d: ", policy);
        int most = sched_get_priority_max(policy), least = sched_get_priority_min(policy);
        printf("%d to %d\n", least, most);
    }
    SHOW(sched_getscheduler(0));
    SHOW(sched_getscheduler(-1));
    SHOW(sched_getscheduler(1 << 28));
    SHOW(sched_getparam(0, &parameter));
    SHOW(parameter.sched_priority);
    SHOW(sched_getparam(0, NULL));
    SHOW(sched_getparam(-1, &parameter));
    SHOW(sched_getparam(1 << 28, &parameter));
    parameter.sched_priority = 0;
    SHOW(sched_setscheduler(0, SCHED_OTHER, &parameter));
    parameter.sched_priority = 5;
    SHOW(sched_setscheduler(0, SCHED_OTHER, &parameter));
    SHOW(sched_setscheduler(0, 99, &parameter));
    SHOW(sched_setparam(0, &parameter));
    parameter.sched_priority = 0;
    SHOW(sched_setparam(0, &parameter));
    SHOW(sched_setparam(0, NULL));
    SHOW(sched_yield());
    CPU_ZERO(&set);
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= 1);
    CHECK(syscall(SYS_sched_getaffinity, 0, sizeof set, &set) > 0);
    SHOW(sched_setaffinity(0, sizeof set, &set));
    SHOW(sched_getaffinity(1 << 28, sizeof set, &set));
    SHOW(syscall(SYS_sched_getaffinity, 0, 1, &set));
    SHOW(syscall(SYS_sched_getaffinity, 0, 0, &set));
    SHOW(syscall(SYS_sched_getaffinity, 0, 7, &set));
    SHOW(sched_getaffinity(0, sizeof set, (void *)1));
    CPU_ZERO(&set);
    SHOW(sched_setaffinity(0, sizeof set, &set));
    CHECK(sched_getcpu() >= 0);
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(getpriority(PRIO_PGRP, 0));
    SHOW(getpriority(9, 0));
    SHOW(getpriority(PRIO_PROCESS, 1 << 28));
    SHOW(setpriority(PRIO_PROCESS, 0, 0));
    SHOW(setpriority(9, 0, 0));
    SHOW(setpriority(PRIO_PROCESS, 1 << 28, 0));
    niceness();
    pthread_t threads[2];
    for (long i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, yields, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("%d %d\n", turns[0], turns[1]);
    return 0;
}
