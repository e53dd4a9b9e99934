/* setitimer(2), alarm(2), timer_create(2): one shot, periodic, disarmed, remaining time, overrun. */
#include "check.h"
#include <signal.h>
#include <sys/time.h>

static volatile int alarms, value;

static void on_alarm(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    alarms++;
    value = info->si_value.sival_int;
}

int main(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
    action.sa_sigaction = on_alarm;
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);

    struct itimerval once = {{0, 0}, {0, 20000}}, periodic = {{0, 10000}, {0, 10000}}, off = {0}, old;
    MUST(setitimer(ITIMER_REAL, &once, NULL));
    MUST(getitimer(ITIMER_REAL, &old));
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 20000);
    sleep_ms(60);
    printf("one shot: %d\n", alarms);
    getitimer(ITIMER_REAL, &old);
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0);
    alarms = 0;
    setitimer(ITIMER_REAL, &periodic, NULL);
    while (alarms < 3)
        sleep_ms(5);
    setitimer(ITIMER_REAL, &off, &old);
    CHECK(old.it_interval.tv_usec == 10000);
    int stopped = alarms;
    sleep_ms(40);
    CHECK(alarms == stopped);
    SHOW(setitimer(9, &off, NULL));
    off.it_value.tv_usec = 1000000;
    SHOW(setitimer(ITIMER_REAL, &off, NULL));

    SHOW(alarm(10));
    CHECK(alarm(0) == 10);
    SHOW(alarm(0));

    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    event.sigev_value.sival_int = 4321;
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
    struct itimerspec soon = {{0, 0}, {0, 20000000}}, left;
    alarms = 0;
    MUST(timer_settime(timer, 0, &soon, NULL));
    timer_gettime(timer, &left);
    CHECK(left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 20000000);
    sleep_ms(60);
    CHECK(alarms == 1 && value == 4321);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    soon.it_value = now;
    alarms = 0;
    MUST(timer_settime(timer, TIMER_ABSTIME, &soon, NULL));
    sleep_ms(10);
    CHECK(alarms == 1);
    SHOW(timer_getoverrun(timer));
    MUST(timer_delete(timer));
    SHOW(syscall(SYS_timer_delete, 12345));
    event.sigev_signo = 99;
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
    event.sigev_notify = SIGEV_NONE;
    MUST(timer_create(CLOCK_REALTIME, &event, &timer));
    MUST(timer_delete(timer));
    SHOW(timer_create(77, &event, &timer));
    return 0;
}
