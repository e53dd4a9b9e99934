/* kill(2), getpgid(2), getsid(2), proc(5): a thread's id stands for its process; not in setpgid(2). */
#include "check.h"
#include <pthread.h>
#include <signal.h>

static volatile int tid, is_over;

static void *run(void *unused)
{
    tid = gettid();
    while (!is_over)
        sleep_ms(5);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    while (!tid)
        sleep_ms(5);
    SHOW(kill(tid, 0));
    CHECK(getpgid(tid) == getpgrp());
    CHECK(getsid(tid) == getsid(0));
    SHOW(setpgid(tid, 0));
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/comm", tid);
    SHOW(access(name, R_OK));
    is_over = 1;
    pthread_join(thread, NULL);
    return 0;
}
