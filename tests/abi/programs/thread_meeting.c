/* pthread_cond_wait(3), pthread_barrier_wait(3), sem_wait(3), pthread_once(3): meeting, with times. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER, monotonic;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t semaphore, up;
static int waiting, woken, initialised, serial, phase[10];

static struct timespec in_ms(clockid_t clock, long ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void *waits(void *arg)
{
    pthread_mutex_lock(&mutex);
    waiting++;
    int turn = woken;
    while (turn == woken)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    return arg;
}

static void initialise(void)
{
    sleep_ms(5);
    initialised++;
}

static void *meets(void *arg)
{
    pthread_once(&once, initialise);
    for (int i = 0; i < 10; i++) {
        __atomic_fetch_add(&phase[i], 1, __ATOMIC_SEQ_CST);
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            serial += phase[i] == 4; /* all have come before any goes on */
    }
    return arg;
}

static void *takes(void *arg)
{
    sem_post(&up);
    sem_wait(&semaphore);
    return arg;
}

int main(void)
{
    pthread_t threads[4];
    pthread_condattr_t attributes;
    int value;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, waits, NULL);
    for (int here = 0; here < 4;) {
        pthread_mutex_lock(&mutex);
        here = waiting;
        pthread_mutex_unlock(&mutex);
        sched_yield();
    }
    pthread_mutex_lock(&mutex);
    woken++;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    SHOW(pthread_cond_signal(&cond)); /* nobody waits: it is lost */

    pthread_condattr_init(&attributes);
    SHOW(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_PROCESS_CPUTIME_ID) == EINVAL);
    pthread_cond_init(&monotonic, &attributes);
    struct timespec soon = in_ms(CLOCK_REALTIME, 8), later = in_ms(CLOCK_MONOTONIC, 8);
    struct timespec past = {0, 0}, bad = {0, 1000000000};
    long before = now_ms();
    pthread_mutex_lock(&mutex);
    CHECK(pthread_cond_timedwait(&cond, &mutex, &soon) == ETIMEDOUT);
    CHECK(pthread_cond_timedwait(&monotonic, &mutex, &later) == ETIMEDOUT);
    later = in_ms(CLOCK_MONOTONIC, 5);
    CHECK(pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &later) == ETIMEDOUT);
    CHECK(pthread_cond_timedwait(&cond, &mutex, &past) == ETIMEDOUT);
    CHECK(pthread_cond_timedwait(&cond, &mutex, &bad) == EINVAL);
    pthread_mutex_unlock(&mutex);
    CHECK(now_ms() - before >= 12);

    pthread_barrier_init(&barrier, NULL, 4);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, meets, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    SHOW(serial);
    SHOW(initialised);
    CHECK(pthread_barrier_init(&barrier, NULL, 0) == EINVAL);

    sem_init(&semaphore, 0, 2);
    sem_init(&up, 0, 0);
    SHOW(sem_trywait(&semaphore));
    SHOW(sem_wait(&semaphore));
    SHOW(sem_trywait(&semaphore));
    soon = in_ms(CLOCK_REALTIME, 5);
    SHOW(sem_timedwait(&semaphore, &soon));
    later = in_ms(CLOCK_MONOTONIC, 5);
    SHOW(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &later));
    SHOW(sem_timedwait(&semaphore, &bad));
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, takes, NULL);
    for (int i = 0; i < 4; i++)
        sem_wait(&up);
    for (int i = 0; i < 5; i++)
        sem_post(&semaphore);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    sem_getvalue(&semaphore, &value);
    SHOW(value);
    return 0;
}
