/* setitimer(2), getitimer(2): each timer's signal, periods, replacing and stopping one, the errors. */
#include "check.h"
#include <signal.h>
#include <sys/time.h>

static volatile int alarms, virtual_alarms, profs;

static void handler(int signal)
{
    if (signal == SIGALRM)
        alarms++;
    else if (signal == SIGVTALRM)
        virtual_alarms++;
    else
        profs++;
}

static void compute_until(volatile int *counter, int goal)
{
    long until = now_ms() + 2000;
    while (*counter < goal && now_ms() < until)
        ;
    printf("reached %d: %s\n", goal, *counter >= goal ? "yes" : "NO");
}

int main(void)
{
    struct itimerval old, off = {{0, 0}, {0, 0}};
    struct itimerval period = {{0, 10000}, {0, 10000}}, once = {{0, 0}, {0, 15000}};
    struct itimerval far = {{5, 6}, {1000, 7}};
    signal(SIGALRM, handler);
    signal(SIGVTALRM, handler);
    signal(SIGPROF, handler);
    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
        SHOW(getitimer(which, &old));
        SHOW(old.it_value.tv_sec + old.it_value.tv_usec + old.it_interval.tv_usec);
        SHOW(setitimer(which, &far, NULL));
        SHOW(setitimer(which, &off, &old));
        SHOW(old.it_interval.tv_sec);
        CHECK(old.it_value.tv_sec >= 999 && old.it_value.tv_sec <= 1000);
        SHOW(getitimer(which, &old));
        SHOW(old.it_value.tv_sec);
    }
    MUST(setitimer(ITIMER_VIRTUAL, &period, NULL));
    compute_until(&virtual_alarms, 3);
    MUST(setitimer(ITIMER_VIRTUAL, &off, NULL));
    MUST(setitimer(ITIMER_PROF, &once, NULL));
    compute_until(&profs, 1);
    sleep_ms(20);
    SHOW(profs);
    MUST(setitimer(ITIMER_REAL, &period, NULL));
    compute_until(&alarms, 3);
    MUST(setitimer(ITIMER_REAL, &once, NULL)); /* takes the period's place */
    alarms = 0;
    sleep_ms(50);
    SHOW(alarms);

    SHOW(setitimer(3, &off, NULL));
    SHOW(setitimer(-1, &off, NULL));
    SHOW(getitimer(3, &old));
    SHOW(setitimer(ITIMER_REAL, (void *)1, NULL));
    SHOW(setitimer(ITIMER_REAL, &off, (void *)1));
    SHOW(getitimer(ITIMER_REAL, (void *)1));
    once.it_value.tv_usec = 1000000;
    SHOW(setitimer(ITIMER_REAL, &once, NULL));
    once.it_value.tv_usec = -1;
    SHOW(setitimer(ITIMER_REAL, &once, NULL));
    once.it_value = (struct timeval){-1, 0};
    SHOW(setitimer(ITIMER_REAL, &once, NULL));

    SHOW(alarm(100));
    getitimer(ITIMER_REAL, &old); /* one timer, two names */
    CHECK(old.it_value.tv_sec >= 99 && old.it_interval.tv_sec == 0);
    MUST(setitimer(ITIMER_REAL, &far, NULL));
    CHECK(alarm(0) == 1000);
    SHOW(alarm(0));
    return 0;
}
