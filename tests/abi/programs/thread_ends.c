/* pthread_create(3), pthread_join(3), pthread_detach(3), pthread_exit(3): how threads begin and end. */
#include "check.h"
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <semaphore.h>

static sem_t up, go;

static void *returns(void *arg)
{
    return arg;
}

static void *waits(void *arg)
{
    sem_post(&up);
    sem_wait(&go);
    return arg;
}

static void cleanup(void *arg)
{
    printf("cleaned up %ld\n", (long)arg);
}

static void *exits_with_cleanup(void *arg)
{
    pthread_cleanup_push(cleanup, (void *)1);
    pthread_cleanup_push(cleanup, (void *)2);
    pthread_exit(arg);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
}

static void *joins(void *arg)
{
    void *result;
    SHOW(pthread_join(*(pthread_t *)arg, &result));
    return result;
}

static void *deep(void *arg)
{
    volatile char page[100000];
    page[0] = page[99999] = 1;
    return (void *)(long)(page[0] + page[99999]);
}

static void *detaches_itself(void *arg)
{
    pthread_detach(pthread_self());
    sem_post(&up);
    return arg;
}

int main(void)
{
    pthread_t thread, other;
    pthread_attr_t attributes;
    void *result;
    int value;
    size_t size;
    sem_init(&up, 0, 0);
    sem_init(&go, 0, 0);
    MUST(-pthread_create(&thread, NULL, returns, (void *)7));
    SHOW(pthread_join(thread, &result));
    SHOW((long)result);
    MUST(-pthread_create(&thread, NULL, exits_with_cleanup, (void *)8));
    SHOW(pthread_join(thread, &result));
    SHOW((long)result);
    CHECK(pthread_join(pthread_self(), NULL) == EDEADLK);

    pthread_create(&thread, NULL, waits, (void *)9);
    sem_wait(&up);
    CHECK(pthread_tryjoin_np(thread, &result) == EBUSY);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 10000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    CHECK(pthread_timedjoin_np(thread, &result, &soon) == ETIMEDOUT);
    pthread_create(&other, NULL, joins, &thread);
    sem_post(&go);
    pthread_join(other, &result);
    SHOW((long)result);

    pthread_create(&thread, NULL, detaches_itself, NULL);
    sem_wait(&up);
    pthread_attr_init(&attributes);
    SHOW(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
    pthread_create(&thread, &attributes, waits, NULL);
    sem_wait(&up);
    CHECK(pthread_join(thread, NULL) == EINVAL);
    CHECK(pthread_detach(thread) == EINVAL);
    sem_post(&go);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_JOINABLE);
    CHECK(pthread_attr_setstacksize(&attributes, 100) == EINVAL);
    SHOW(pthread_attr_setstacksize(&attributes, 262144));
    SHOW(pthread_attr_setguardsize(&attributes, 8192));
    pthread_create(&thread, &attributes, deep, NULL);
    pthread_join(thread, &result);
    SHOW((long)result);
    static char space[131072] __attribute__((aligned(4096)));
    SHOW(pthread_attr_setstack(&attributes, space, sizeof space));
    pthread_create(&thread, &attributes, deep, NULL);
    pthread_join(thread, &result);
    SHOW((long)result);
    pthread_attr_destroy(&attributes);
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getdetachstate(&attributes, &value);
    SHOW(value);
    pthread_attr_getstacksize(&attributes, &size);
    CHECK(size >= PTHREAD_STACK_MIN);
    pthread_attr_destroy(&attributes);

    char name[16];
    SHOW(pthread_setname_np(pthread_self(), "a name"));
    SHOW(pthread_getname_np(pthread_self(), name, sizeof name));
    printf("%s\n", name);
    CHECK(pthread_setname_np(pthread_self(), "a name of sixteen") == ERANGE);
    CHECK(pthread_kill(pthread_self(), 0) == 0);
    sleep_ms(20); /* detached threads have ended */
    return 0;
}
