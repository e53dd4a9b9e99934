/* futex(2) on shared memory: waiters and wakers meet at the object, wherever it is mapped; with
 * FUTEX_PRIVATE_FLAG at the address. pthread_mutexattr_setrobust(3) across mappings. */
#include "check.h"
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>

#define PAGE 4096

static uint32_t *here, *there, in_private_memory;

static long futex(uint32_t *address, int op, uint32_t value, void *timeout, uint32_t *to, uint32_t v3)
{
    return syscall(SYS_futex, address, op, value, timeout, to, v3);
}

struct wait {
    uint32_t *address;
    int op;
    volatile int is_ready;
};

static void *waiter(void *argument)
{
    struct wait *wait = argument;
    wait->is_ready = 1;
    return (void *)futex(wait->address, wait->op, *wait->address, NULL, NULL, FUTEX_BITSET_MATCH_ANY);
}

static struct wait waits[4];
static pthread_t threads[4];

static void start(int index, uint32_t *address, int op)
{
    waits[index] = (struct wait){address, op, 0};
    pthread_create(&threads[index], NULL, waiter, &waits[index]);
    while (!waits[index].is_ready)
        sleep_ms(1);
    sleep_ms(30);
}

static void join(int index)
{
    void *result;
    pthread_join(threads[index], &result);
    printf("waiter %d: %ld\n", index, (long)result);
}

static void they_meet_at_the_object(void)
{
    start(0, here, FUTEX_WAIT);
    SHOW(futex(there + 1, FUTEX_WAKE, 9, NULL, NULL, 0));
    SHOW(futex(there, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    SHOW(futex(here, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    SHOW(futex(there, FUTEX_WAKE, 9, NULL, NULL, 0));
    join(0);
    start(0, here, FUTEX_WAIT_PRIVATE);
    SHOW(futex(here, FUTEX_WAKE, 9, NULL, NULL, 0));
    SHOW(futex(there, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    SHOW(futex(here, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    join(0);
}

static void private_memory(void)
{
    start(0, &in_private_memory, FUTEX_WAIT);
    SHOW(futex(&in_private_memory, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    SHOW(futex(&in_private_memory, FUTEX_WAKE, 9, NULL, NULL, 0));
    join(0);
    start(0, &in_private_memory, FUTEX_WAIT_PRIVATE);
    SHOW(futex(&in_private_memory, FUTEX_WAKE, 9, NULL, NULL, 0));
    SHOW(futex(&in_private_memory, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    join(0);
}

static void they_move_between_objects(void)
{
    for (int i = 0; i < 3; i++)
        start(i, here, FUTEX_WAIT_BITSET);
    SHOW(futex(there, FUTEX_CMP_REQUEUE, 1, (void *)1L, here + 8, *here + 1));
    SHOW(futex(there, FUTEX_CMP_REQUEUE, 1, (void *)1L, here + 8, *here));
    SHOW(futex(there + 8, FUTEX_WAKE, 9, NULL, NULL, 0));
    SHOW(futex(here, FUTEX_WAKE, 9, NULL, NULL, 0));
    for (int i = 0; i < 3; i++)
        join(i);
    for (int i = 0; i < 3; i++)
        start(i, here, FUTEX_WAIT);
    SHOW(futex(there, FUTEX_REQUEUE, 1, (void *)9L, here + 8, 0));
    SHOW(futex(there + 8, FUTEX_WAKE_BITSET, 9, NULL, NULL, 4));
    for (int i = 0; i < 3; i++)
        join(i);
    start(0, here, FUTEX_WAIT);
    start(1, there + 8, FUTEX_WAIT);
    there[8] = 41;
    SHOW(futex(there, FUTEX_WAKE_OP, 9, (void *)9L, here + 8, FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_GT, 40)));
    CHECK(there[8] == 42);
    for (int i = 0; i < 2; i++)
        join(i);
}

static void what_is_refused(void)
{
    uint32_t *gone = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(gone, PAGE);
    SHOW(futex(gone, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(gone, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    SHOW(futex(gone, FUTEX_WAIT, 1, NULL, NULL, 0));
    SHOW(futex(gone, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
    SHOW(futex((uint32_t *)(1UL << 63), FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    SHOW(futex((uint32_t *)((char *)here + 2), FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(here, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, *here + 1, NULL, NULL, 0));
    SHOW(futex(here, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
    SHOW(futex(here, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
    SHOW(futex(here, FUTEX_REQUEUE, -1, NULL, here + 8, 0));
    SHOW(futex(here, FUTEX_REQUEUE, 1, NULL, gone, 0));
    SHOW(futex(here, FUTEX_WAKE, -1, NULL, NULL, 0));
}

static void *die_with_it(void *mutex)
{
    pthread_mutex_lock(mutex);
    return NULL;
}

/* The dying thread has the mutex at one address, the one that waits for it at another. */
static void robust_locks(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_t *mutex = (void *)(here + 64), *same = (void *)(there + 64);
    pthread_mutex_init(mutex, &attributes);
    pthread_t thread;
    pthread_create(&thread, NULL, die_with_it, mutex);
    pthread_join(thread, NULL);
    CHECK(pthread_mutex_lock(same) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(same) == 0);
    CHECK(pthread_mutex_unlock(same) == 0);
    CHECK(pthread_mutex_trylock(mutex) == 0);
    CHECK(pthread_mutex_unlock(mutex) == 0);
}

int main(void)
{
    int fd = memfd_create("words", 0);
    MUST(ftruncate(fd, 2 * PAGE));
    here = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
    there = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    there += PAGE / sizeof *there;
    they_meet_at_the_object();
    private_memory();
    they_move_between_objects();
    what_is_refused();
    robust_locks();
    close(fd);
    return 0;
}
