/* pthreads(7), clone(2): creation, join, mutexes, condition variables, barriers, thread-local
 * storage, detached threads, 64 at a time. */
#include "check.h"
#include <pthread.h>

static __thread int local = 7;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static long counter, turns, serial;
static int detached_done;

static void *count(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    local += (long)arg;
    return (void *)(long)local;
}

static void *ping(void *arg)
{
    long me = (long)arg;
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&mutex);
        while (turns % 2 != me)
            pthread_cond_wait(&changed, &mutex);
        turns++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *meet(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++)
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            serial++;
    return NULL;
}

static void *detached(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&mutex);
    detached_done = 1;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void *reader(void *arg)
{
    pthread_rwlock_rdlock(&rwlock);
    long seen = *(long *)arg;
    pthread_rwlock_unlock(&rwlock);
    return (void *)seen;
}

static void *quits(void *arg)
{
    (void)arg;
    pthread_exit((void *)42L);
}

int main(void)
{
    pthread_t threads[64];
    void *result;
    long sum = 0;
    for (long i = 0; i < 64; i++)
        MUST(-pthread_create(&threads[i], NULL, count, (void *)i));
    for (int i = 0; i < 64; i++) {
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    CHECK(counter == 64000);
    CHECK(sum == 64 * 7 + 63 * 64 / 2);
    CHECK(local == 7);

    for (long i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, ping, (void *)i);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    CHECK(turns == 200);

    pthread_barrier_init(&barrier, NULL, 5);
    for (long i = 0; i < 5; i++)
        pthread_create(&threads[i], NULL, meet, NULL);
    for (int i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
    CHECK(serial == 10);

    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    pthread_mutex_lock(&mutex);
    CHECK(pthread_create(&threads[0], &attributes, detached, NULL) == 0);
    while (!detached_done)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    CHECK(detached_done);

    long value = 9;
    pthread_rwlock_wrlock(&rwlock);
    pthread_create(&threads[0], NULL, reader, &value);
    sleep_ms(20);
    value = 10;
    pthread_rwlock_unlock(&rwlock);
    pthread_join(threads[0], &result);
    CHECK((long)result == 10);

    pthread_create(&threads[0], NULL, quits, NULL);
    pthread_join(threads[0], &result);
    CHECK((long)result == 42);

    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_nsec += 20000000;
    deadline.tv_sec += deadline.tv_nsec / 1000000000;
    deadline.tv_nsec %= 1000000000;
    pthread_mutex_lock(&mutex);
    CHECK(pthread_cond_timedwait(&changed, &mutex, &deadline) == ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
    sleep_ms(20);
    return 0;
}
