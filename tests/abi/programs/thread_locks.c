/* pthread_mutex_lock(3), pthread_rwlock_rdlock(3), pthread_spin_lock(3): kinds of locks, times, robust ones. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t mutex, robust;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static long counter;

static struct timespec in_ms(clockid_t clock, long ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static const char *name_of(int error)
{
    return error ? strerrorname_np(error) : "done";
}

static void *tries(void *arg)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 5), monotonic = in_ms(CLOCK_MONOTONIC, 5);
    printf("another: trylock %s, ", name_of(pthread_mutex_trylock(&mutex)));
    printf("timedlock %s, ", name_of(pthread_mutex_timedlock(&mutex, &soon)));
    printf("clocklock %s, ", name_of(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &monotonic)));
    printf("unlock %s\n", name_of(pthread_mutex_unlock(&mutex)));
    return arg;
}

static void kind(const char *what, int type)
{
    pthread_mutexattr_t attributes;
    pthread_t thread;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type);
    pthread_mutex_init(&mutex, &attributes);
    printf("%s: lock %s", what, name_of(pthread_mutex_lock(&mutex)));
    if (type != PTHREAD_MUTEX_NORMAL)
        printf(", again %s", name_of(pthread_mutex_lock(&mutex)));
    printf(", trylock %s\n", name_of(pthread_mutex_trylock(&mutex)));
    if (type == PTHREAD_MUTEX_ERRORCHECK) { /* the others may not be unlocked by strangers */
        pthread_create(&thread, NULL, tries, NULL);
        pthread_join(thread, NULL);
    }
    while (pthread_mutex_unlock(&mutex) == 0 && type == PTHREAD_MUTEX_RECURSIVE)
        ;
    SHOW(pthread_mutex_destroy(&mutex));
}

static void *dies_with_it(void *arg)
{
    pthread_mutex_lock(&robust);
    return arg;
}

static void robustness(void)
{
    pthread_mutexattr_t attributes;
    pthread_t thread;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attributes);
    pthread_create(&thread, NULL, dies_with_it, NULL);
    pthread_join(thread, NULL);
    printf("robust: %s\n", name_of(pthread_mutex_lock(&robust)));
    printf("consistent: %s\n", name_of(pthread_mutex_consistent(&robust)));
    printf("unlock: %s\n", name_of(pthread_mutex_unlock(&robust)));
    pthread_create(&thread, NULL, dies_with_it, NULL);
    pthread_join(thread, NULL);
    printf("robust: %s\n", name_of(pthread_mutex_trylock(&robust)));
    printf("unlocked as it was: %s\n", name_of(pthread_mutex_unlock(&robust)));
    printf("from then on: %s\n", name_of(pthread_mutex_lock(&robust)));
}

static void *tries_rwlock(void *arg)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 5);
    int read = pthread_rwlock_tryrdlock(&rwlock);
    if (read == 0)
        pthread_rwlock_unlock(&rwlock);
    printf("%s: read %s, write %s, ", (char *)arg, name_of(read),
           name_of(pthread_rwlock_trywrlock(&rwlock)));
    printf("write in time %s\n", name_of(pthread_rwlock_timedwrlock(&rwlock, &soon)));
    return NULL;
}

static void *adds(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        if (arg)
            pthread_rwlock_wrlock(&rwlock);
        else
            pthread_spin_lock(&spin);
        counter++;
        if (arg)
            pthread_rwlock_unlock(&rwlock);
        else
            pthread_spin_unlock(&spin);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[4];
    kind("normal", PTHREAD_MUTEX_NORMAL);
    kind("recursive", PTHREAD_MUTEX_RECURSIVE);
    kind("errorcheck", PTHREAD_MUTEX_ERRORCHECK);
    robustness();
    pthread_rwlock_rdlock(&rwlock);
    pthread_create(&threads[0], NULL, tries_rwlock, "while it is read");
    pthread_join(threads[0], NULL);
    pthread_rwlock_unlock(&rwlock);
    pthread_rwlock_wrlock(&rwlock);
    printf("by its owner: %s\n", name_of(pthread_rwlock_rdlock(&rwlock)));
    pthread_create(&threads[0], NULL, tries_rwlock, "while it is written");
    pthread_join(threads[0], NULL);
    pthread_rwlock_unlock(&rwlock);
    pthread_spin_init(&spin, 0);
    for (long with_rwlock = 0; with_rwlock < 2; with_rwlock++) {
        counter = 0;
        for (int i = 0; i < 4; i++)
            pthread_create(&threads[i], NULL, adds, (void *)with_rwlock);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        SHOW(counter);
    }
    return 0;
}
