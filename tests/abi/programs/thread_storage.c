/* pthread_key_create(3), __thread, errno: what each thread has for itself, and destructors. */
#include "check.h"
#include <limits.h>
#include <pthread.h>

static __thread int counter = 100;
static __thread char zeroed[5000];
static __thread struct {
    long aligned __attribute__((aligned(64)));
} apart = {7};
static pthread_key_t key, second;
static int destroyed, rounds;

static void destroy(void *value)
{
    destroyed += (long)value;
}

static void sets_again(void *value)
{
    rounds++;
    if ((long)value < 3)
        pthread_setspecific(second, (void *)((long)value + 1)); /* destructors run once more */
}

static void *body(void *arg)
{
    long number = (long)arg;
    CHECK(counter == 100 && zeroed[4999] == 0 && apart.aligned == 7);
    CHECK((uintptr_t)&apart % 64 == 0);
    counter += number;
    zeroed[4999] = 1;
    errno = (int)number;
    CHECK(pthread_getspecific(key) == NULL);
    pthread_setspecific(key, arg);
    sched_yield();
    CHECK(errno == (int)number && counter == 100 + number && pthread_getspecific(key) == arg);
    return arg;
}

static void *with_second(void *arg)
{
    pthread_setspecific(second, (void *)1);
    return arg;
}

int main(void)
{
    pthread_t thread;
    pthread_key_t keys[PTHREAD_KEYS_MAX + 1];
    int made = 0;
    MUST(-pthread_key_create(&key, destroy));
    MUST(-pthread_key_create(&second, sets_again));
    counter = 5;
    for (long i = 1; i <= 3; i++) {
        pthread_create(&thread, NULL, body, (void *)i);
        pthread_join(thread, NULL);
    }
    SHOW(counter);
    SHOW(destroyed);
    pthread_create(&thread, NULL, with_second, NULL);
    pthread_join(thread, NULL);
    SHOW(rounds);
    while (made <= PTHREAD_KEYS_MAX && pthread_key_create(&keys[made], NULL) == 0)
        made++;
    CHECK(made > 900 && made < PTHREAD_KEYS_MAX);
    for (int i = 0; i < made; i++)
        MUST(-pthread_key_delete(keys[i]));
    SHOW(pthread_key_delete(key));
    CHECK(pthread_key_delete(key) == EINVAL && pthread_setspecific(key, NULL) == EINVAL);
    return 0;
}
