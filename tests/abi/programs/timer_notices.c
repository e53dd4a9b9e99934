/* timer_create(2), sigevent(7): each way of being told, what siginfo says, and timers' errors. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static sigset_t set;
static sem_t called;
static volatile int thread_value;

static void take(const char *what, timer_t timer)
{
    siginfo_t info;
    struct timespec second = {1, 0};
    int signal = sigtimedwait(&set, &info, &second);
    printf("%s: signal %d, code %d, value %d, own timer %d, overrun %d\n", what, signal,
           info.si_code == SI_TIMER, info.si_value.sival_int,
           info.si_value.sival_ptr == timer || info.si_timerid >= 0, info.si_overrun);
}

static void in_thread(union sigval value)
{
    thread_value = value.sival_int;
    sem_post(&called);
}

static void *waits(void *arg)
{
    siginfo_t info;
    struct timespec second = {1, 0};
    *(pid_t *)arg = gettid();
    sem_post(&called);
    SHOW(sigtimedwait(&set, &info, &second));
    SHOW(info.si_value.sival_int);
    return NULL;
}

int main(void)
{
    struct itimerspec soon = {{0, 0}, {0, 5000000}}, left, old;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer, second;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);

    SHOW(timer_create(CLOCK_REALTIME, NULL, &timer)); /* SIGALRM, the value its own id */
    timer_settime(timer, 0, &soon, NULL);
    siginfo_t info;
    SHOW(sigwaitinfo(&set, &info));
    CHECK(info.si_code == SI_TIMER && info.si_overrun == 0);
    SHOW(timer_delete(timer));

    event.sigev_value.sival_int = 5;
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
    event.sigev_signo = SIGRTMIN;
    event.sigev_value.sival_int = 6;
    SHOW(timer_create(CLOCK_BOOTTIME, &event, &second));
    timer_settime(timer, 0, &soon, NULL);
    take("first", timer);
    timer_settime(second, 0, &soon, NULL);
    take("second", second);
    SHOW(timer_delete(second));

    event = (struct sigevent){.sigev_notify = SIGEV_NONE};
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &second));
    SHOW(timer_settime(second, 0, &soon, NULL));
    sleep_ms(15);
    SHOW(timer_gettime(second, &left));
    SHOW(left.it_value.tv_nsec);
    SHOW(sigpending(&(sigset_t){}));
    SHOW(timer_delete(second));

    sem_init(&called, 0, 0);
    event = (struct sigevent){.sigev_notify = SIGEV_THREAD};
    event.sigev_notify_function = in_thread;
    event.sigev_value.sival_int = 77;
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &second));
    SHOW(timer_settime(second, 0, &soon, NULL));
    sem_wait(&called);
    SHOW(thread_value);
    SHOW(timer_delete(second));

    pid_t id = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, waits, &id);
    sem_wait(&called);
    event = (struct sigevent){.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
    event.sigev_value.sival_int = 88;
    event.sigev_notify_thread_id = id;
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &second));
    SHOW(timer_settime(second, 0, &soon, NULL));
    pthread_join(thread, NULL);
    SHOW(timer_delete(second));
    event.sigev_notify_thread_id = 1 << 28;
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &second));

    struct itimerspec far = {{3, 0}, {1000, 0}}, off = {0};
    SHOW(timer_settime(timer, 0, &far, NULL));
    SHOW(timer_settime(timer, 0, &off, &old));
    CHECK(old.it_value.tv_sec >= 999 && old.it_interval.tv_sec == 3);
    SHOW(timer_gettime(timer, &left));
    SHOW(left.it_value.tv_sec + left.it_interval.tv_sec);
    soon.it_value.tv_nsec = 1000000000;
    SHOW(timer_settime(timer, 0, &soon, NULL));
    soon.it_value = (struct timespec){-1, 0};
    SHOW(timer_settime(timer, 0, &soon, NULL));
    SHOW(timer_settime(timer, 0, NULL, NULL));
    SHOW(timer_delete(timer));
    SHOW(syscall(SYS_timer_gettime, 12345, &left));
    SHOW(syscall(SYS_timer_settime, 12345, 0, &far, NULL));
    SHOW(syscall(SYS_timer_getoverrun, 12345));
    event = (struct sigevent){.sigev_notify = 99, .sigev_signo = SIGUSR1};
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, (void *)1, &id));
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, (void *)1));
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, NULL, &id));
    return 0;
}
