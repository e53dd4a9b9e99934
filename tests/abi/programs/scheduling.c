/* sched_setscheduler(2), sched_getaffinity(2), getpriority(2), sched_yield(2): queries and errors. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

static int turns[2];

static void *yields(void *arg)
{
    for (int i = 0; i < 200; i++) {
        turns[(long)arg]++;
        sched_yield();
    }
    return arg;
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
    pthread_t threads[2];
    for (long i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, yields, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("%d %d\n", turns[0], turns[1]);
    return 0;
}
