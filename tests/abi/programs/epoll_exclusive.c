/* epoll_ctl(2) EPOLLEXCLUSIVE: what it may be combined with; one of several waiters wakes at least. */
#include "check.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int fd;

static int control(int epoll, int op, int target, uint32_t events)
{
    struct epoll_event event = {.events = events};
    return epoll_ctl(epoll, op, target, &event);
}

static void *waits(void *arg)
{
    struct epoll_event event;
    return (void *)(long)epoll_wait((int)(long)arg, &event, 1, 150);
}

int main(void)
{
    int e = epoll_create1(0), nested = epoll_create1(0);
    fd = eventfd(0, 0);
    SHOW(control(e, EPOLL_CTL_ADD, fd, EPOLLEXCLUSIVE | EPOLLIN | EPOLLET | EPOLLWAKEUP));
    SHOW(control(e, EPOLL_CTL_MOD, fd, EPOLLIN));
    SHOW(control(e, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE));
    SHOW(control(e, EPOLL_CTL_DEL, fd, 0));
    SHOW(control(e, EPOLL_CTL_ADD, fd, EPOLLEXCLUSIVE | EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP));
    SHOW(control(e, EPOLL_CTL_DEL, fd, 0));
    SHOW(control(e, EPOLL_CTL_ADD, fd, EPOLLEXCLUSIVE | EPOLLPRI));
    SHOW(control(e, EPOLL_CTL_ADD, fd, EPOLLEXCLUSIVE | EPOLLRDHUP));
    SHOW(control(e, EPOLL_CTL_ADD, fd, EPOLLEXCLUSIVE | EPOLLIN | EPOLLONESHOT));
    SHOW(control(e, EPOLL_CTL_ADD, nested, EPOLLEXCLUSIVE | EPOLLIN));
    SHOW(control(e, EPOLL_CTL_ADD, fd, EPOLLIN));
    SHOW(control(e, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE));
    close(e);
    close(nested);

    pthread_t threads[3];
    int instances[3];
    long woken = 0;
    for (int i = 0; i < 3; i++) {
        instances[i] = epoll_create1(0);
        MUST(control(instances[i], EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE));
        pthread_create(&threads[i], NULL, waits, (void *)(long)instances[i]);
    }
    sleep_ms(20);
    uint64_t one = 1;
    MUST(write(fd, &one, 8));
    for (int i = 0; i < 3; i++) {
        void *result;
        pthread_join(threads[i], &result);
        woken += (long)result;
        close(instances[i]);
    }
    CHECK(woken >= 1);
    close(fd);
    return 0;
}
