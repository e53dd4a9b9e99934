/* pthread_cancel(3), pthread_setcancelstate(3): deferred, disabled and asynchronous; in every wait. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

static int p[2];
static sem_t up, semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static volatile int cleaned;

static void count_cleanup(void *arg)
{
    cleaned++;
    if (arg)
        pthread_mutex_unlock(arg);
}

static void *in_read(void *arg)
{
    char byte;
    pthread_cleanup_push(count_cleanup, NULL);
    sem_post(&up);
    read(p[0], &byte, 1);
    pthread_cleanup_pop(0);
    return arg;
}

static void *in_poll(void *arg)
{
    struct pollfd one = {p[0], POLLIN, 0};
    sem_post(&up);
    poll(&one, 1, -1);
    return arg;
}

static void *in_sleep(void *arg)
{
    sem_post(&up);
    sleep(100);
    return arg;
}

static void *in_sem(void *arg)
{
    sem_post(&up);
    sem_wait(&semaphore);
    return arg;
}

static void *in_cond(void *arg)
{
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(count_cleanup, &mutex); /* it owns the mutex again */
    sem_post(&up);
    pthread_cond_wait(&cond, &mutex);
    pthread_cleanup_pop(1);
    return arg;
}

static void *in_join(void *arg)
{
    sem_post(&up);
    pthread_join(*(pthread_t *)arg, NULL);
    return NULL;
}

static void *in_sigwait(void *arg)
{
    sigset_t set;
    int signal;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sem_post(&up);
    sigwait(&set, &signal);
    return arg;
}

static void *computes(void *arg)
{
    int old;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
    SHOW(old == PTHREAD_CANCEL_DEFERRED);
    sem_post(&up);
    for (volatile long i = 0;; i++)
        ;
    return arg;
}

static void *disabled(void *arg)
{
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    sem_post(&up);
    sleep_ms(20);
    pthread_testcancel();
    printf("still here while disabled\n");
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    pthread_testcancel();
    printf("never said\n");
    return arg;
}

static void *ended(void *arg)
{
    sem_post(&up);
    return arg;
}

static void cancel(const char *what, void *(*body)(void *), void *arg)
{
    pthread_t thread;
    void *result;
    MUST(-pthread_create(&thread, NULL, body, arg));
    sem_wait(&up);
    sleep_ms(3);
    int error = pthread_cancel(thread);
    pthread_join(thread, &result);
    printf("%s: %d, cancelled %d\n", what, error, result == PTHREAD_CANCELED);
}

int main(void)
{
    pthread_t other;
    MUST(pipe(p));
    sem_init(&up, 0, 0);
    sem_init(&semaphore, 0, 0);
    cancel("read", in_read, NULL);
    SHOW(cleaned);
    cancel("poll", in_poll, NULL);
    cancel("sleep", in_sleep, NULL);
    cancel("sem_wait", in_sem, NULL);
    cancel("cond_wait", in_cond, NULL);
    SHOW(cleaned);
    CHECK(pthread_mutex_trylock(&mutex) == 0);
    pthread_mutex_unlock(&mutex);
    pthread_create(&other, NULL, in_read, NULL);
    sem_wait(&up);
    cancel("join", in_join, &other);
    pthread_cancel(other);
    pthread_join(other, NULL);
    cancel("sigwait", in_sigwait, NULL);
    cancel("asynchronous", computes, NULL);
    cancel("disabled", disabled, NULL);
    cancel("one that has ended", ended, NULL);
    close(p[0]);
    close(p[1]);
    return 0;
}
