/* epoll(7) EPOLLONESHOT and EPOLLET: arming again, and each event for one of several threads only. */
#include "check.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { ROUNDS = 40, THREADS = 3 };
static int e, work, stop;
static volatile int inside, overlaps, done;

static int control(int op, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(e, op, fd, &event);
}

static void *worker(void *arg)
{
    struct epoll_event event;
    uint64_t value;
    for (;;) {
        if (epoll_wait(e, &event, 1, 2000) != 1 || event.data.fd == stop)
            return arg;
        overlaps += __atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST) != 0;
        if (read(work, &value, 8) == 8)
            __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
        __atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
        control(EPOLL_CTL_MOD, work, EPOLLIN | EPOLLONESHOT);
    }
}

int main(void)
{
    struct epoll_event event;
    pthread_t threads[THREADS];
    uint64_t one = 1;
    e = epoll_create1(0);
    work = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
    stop = eventfd(0, 0);
    SHOW(control(EPOLL_CTL_ADD, work, EPOLLIN | EPOLLONESHOT));
    MUST(write(work, &one, 8));
    SHOW(epoll_wait(e, &event, 1, 0));
    SHOW(epoll_wait(e, &event, 1, 0)); /* disarmed, though still readable */
    SHOW(control(EPOLL_CTL_ADD, work, EPOLLIN)); /* but registered */
    SHOW(control(EPOLL_CTL_MOD, work, 0));
    SHOW(epoll_wait(e, &event, 1, 0));
    SHOW(control(EPOLL_CTL_MOD, work, EPOLLIN | EPOLLONESHOT | EPOLLET));
    SHOW(epoll_wait(e, &event, 1, 0));
    SHOW(epoll_wait(e, &event, 1, 0));
    MUST(write(work, &one, 8));
    SHOW(epoll_wait(e, &event, 1, 0));
    MUST(read(work, &one, 8));
    MUST(read(work, &one, 8));
    SHOW(control(EPOLL_CTL_MOD, work, EPOLLIN | EPOLLONESHOT));
    SHOW(control(EPOLL_CTL_ADD, stop, EPOLLIN));
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, worker, NULL);
    for (int i = 0; i < ROUNDS; i++)
        MUST(write(work, &one, 8));
    for (int i = 0; i < 400 && done < ROUNDS; i++)
        sleep_ms(2);
    SHOW(done);
    SHOW(overlaps);
    MUST(write(stop, &one, 8));
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    close(work);
    close(stop);
    close(e);
    return 0;
}
