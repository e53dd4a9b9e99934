/* pthread_kill(3), pthread_cancel(3), timers that signal a thread, exit_group(2) with threads that
 * sleep and threads that compute. */
#include "check.h"
#include <pthread.h>
#include <signal.h>

static volatile pid_t handled_by;
static volatile int stop, cleaned;

static void handler(int signal)
{
    (void)signal;
    handled_by = gettid();
}

static void *spin(void *arg)
{
    *(pid_t *)arg = gettid();
    while (!stop)
        ;
    return NULL;
}

static void *sleep_long(void *arg)
{
    *(pid_t *)arg = gettid();
    struct timespec t = {1000, 0};
    int r = nanosleep(&t, NULL);
    return (void *)(long)(r == -1 && errno == EINTR);
}

static void clean(void *arg)
{
    (void)arg;
    cleaned = 1;
}

static void *cancelled(void *arg)
{
    pthread_cleanup_push(clean, NULL);
    *(pid_t *)arg = gettid(); /* glibc cannot cancel a thread that has not begun */
    sleep_ms(100000);
    pthread_cleanup_pop(0);
    return NULL;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t thread;
    volatile pid_t tid = 0;
    pthread_create(&thread, NULL, spin, (void *)&tid);
    while (!tid)
        sleep_ms(1);
    pthread_kill(thread, SIGUSR1);
    for (int i = 0; i < 500 && handled_by != tid; i++)
        sleep_ms(10);
    CHECK(handled_by == tid);
    stop = 1;
    pthread_join(thread, NULL);

    tid = 0;
    pthread_create(&thread, NULL, sleep_long, (void *)&tid);
    while (!tid)
        sleep_ms(1);
    sleep_ms(10);
    pthread_kill(thread, SIGUSR1);
    void *result;
    pthread_join(thread, &result);
    CHECK(result == (void *)1L && handled_by == tid);

    tid = 0;
    pthread_create(&thread, NULL, cancelled, (void *)&tid);
    while (!tid)
        sleep_ms(1);
    sleep_ms(10);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    CHECK(result == PTHREAD_CANCELED && cleaned);

    stop = 0;
    tid = 0;
    pthread_create(&thread, NULL, spin, (void *)&tid);
    pthread_create(&thread, NULL, sleep_long, (void *)&tid);
    while (!tid)
        sleep_ms(1);
    printf("leaving with two threads alive\n");
    return 0;
}
