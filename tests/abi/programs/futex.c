/* futex(2) without a library between: wait, wake, requeue, bit sets, wake-op, timeouts. */
#include "check.h"
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>

static uint32_t word, other, ready;

static long futex(uint32_t *address, int op, uint32_t value, void *timeout, uint32_t *to, uint32_t v3)
{
    return syscall(SYS_futex, address, op, value, timeout, to, v3);
}

static void *wait_on_word(void *arg)
{
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    long r = futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (uint32_t)(long)arg);
    return (void *)r;
}

static void start(pthread_t *threads, int count, long bits)
{
    ready = 0;
    for (int i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, wait_on_word, (void *)bits);
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) != (uint32_t)count)
        sleep_ms(1);
    sleep_ms(30);
}

int main(void)
{
    pthread_t threads[6];
    struct timespec short_time = {0, 20000000}, bad = {0, 1000000000};
    SHOW(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
    long before = now_ms();
    SHOW(futex(&word, FUTEX_WAIT, 0, &short_time, NULL, 0));
    CHECK(now_ms() - before >= 19);
    SHOW(futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0));
    SHOW(futex((uint32_t *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
    SHOW(futex((uint32_t *)8, FUTEX_WAIT, 0, NULL, NULL, 0));
    SHOW(futex(&word, 99, 0, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));

    struct timespec absolute;
    clock_gettime(CLOCK_MONOTONIC, &absolute);
    absolute.tv_nsec += 20000000;
    absolute.tv_sec += absolute.tv_nsec / 1000000000;
    absolute.tv_nsec %= 1000000000;
    SHOW(futex(&word, FUTEX_WAIT_BITSET, 0, &absolute, NULL, FUTEX_BITSET_MATCH_ANY));
    clock_gettime(CLOCK_REALTIME, &absolute);
    SHOW(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &absolute, NULL, 1));

    start(threads, 4, -1);
    SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);

    start(threads, 2, 2);
    SHOW(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, 1));
    SHOW(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, 3));
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);

    start(threads, 6, -1);
    SHOW(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)3, &other, 1));
    SHOW(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)3, &other, 0));
    SHOW(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
    SHOW(futex(&other, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);

    start(threads, 2, -1);
    other = 5;
    int op = FUTEX_OP(FUTEX_OP_ADD, 2, FUTEX_OP_CMP_EQ, 5);
    SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 2, (void *)1, &other, op));
    CHECK(other == 7);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
