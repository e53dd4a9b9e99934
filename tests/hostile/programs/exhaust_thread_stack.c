/* dies: SIGSEGV
 * So does every other thread's. */
#include "hostile.h"
#include <pthread.h>

long exhaust_thread_stack(long depth)
{
    volatile char room[2000];
    room[0] = (char)depth;
    return depth < 0 ? 0 : exhaust_thread_stack(depth + 1) + room[0];
}

static void *run(void *depth)
{
    return (void *)exhaust_thread_stack((long)depth);
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, NULL);
    return 0;
}
