/* epoll(7): edge triggered, one shot, and several threads that wait on one. */
#include "check.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static int e;

static int control(int op, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.fd = fd}};
    return epoll_ctl(e, op, fd, &event);
}

static long now(void)
{
    struct epoll_event event = {0};
    int ready = epoll_wait(e, &event, 1, 0);
    return ready == 1 ? (long)event.events : ready;
}

static void *wait_once(void *arg)
{
    struct epoll_event event = {0};
    (void)arg;
    return (void *)(long)epoll_wait(e, &event, 1, 200);
}

static void round_robin(void)
{
    int fds[3], seen[1024] = {0};
    struct epoll_event event;
    for (int i = 0; i < 3; i++) {
        fds[i] = eventfd(1, 0);
        MUST(control(EPOLL_CTL_ADD, fds[i], EPOLLIN));
    }
    for (int i = 0; i < 9; i++) { /* nobody starves when maxevents is small */
        MUST(epoll_wait(e, &event, 1, 0));
        seen[event.data.fd]++;
    }
    printf("each had its turn: %d %d %d\n", seen[fds[0]], seen[fds[1]], seen[fds[2]]);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

/* What comes is no edge for who waits for room, nor room for who waits for what comes. */
static void edges_of_the_other_way(void)
{
    int s[2], fd = eventfd(1, EFD_SEMAPHORE);
    uint64_t value = 5;
    char byte;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(control(EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLET));
    MUST(write(s[1], "several", 7));
    SHOW(now());
    MUST(write(s[0], "several", 7));
    MUST(read(s[1], &byte, 1));
    SHOW(now());
    SHOW(control(EPOLL_CTL_MOD, s[0], EPOLLOUT | EPOLLET));
    SHOW(now());
    MUST(write(s[1], "more", 4));
    SHOW(now());
    MUST(read(s[1], &byte, 1));
    SHOW(control(EPOLL_CTL_MOD, s[0], EPOLLIN | EPOLLOUT | EPOLLET));
    SHOW(now());
    MUST(write(s[1], "more", 4));
    SHOW(now());
    close(s[1]);
    SHOW(now());
    close(s[0]);
    SHOW(control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET));
    MUST(write(fd, &value, 8));
    SHOW(now());
    MUST(read(fd, &value, 8));
    SHOW(now());
    SHOW(control(EPOLL_CTL_MOD, fd, EPOLLOUT | EPOLLET));
    SHOW(now());
    MUST(write(fd, &value, 8));
    SHOW(now());
    close(fd);
}

int main(void)
{
    int p[2];
    char bytes[4096];
    e = epoll_create1(0);
    MUST(e);
    MUST(pipe2(p, O_NONBLOCK));
    SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET));
    SHOW(now());
    MUST(write(p[1], "abc", 3));
    SHOW(now());
    SHOW(now());
    MUST(write(p[1], "d", 1));
    SHOW(now());
    MUST(read(p[0], bytes, 1));
    SHOW(now());
    SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET)); /* arms again */
    SHOW(now());
    SHOW(now());
    SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
    SHOW(now());
    SHOW(now());
    MUST(write(p[1], "e", 1));
    SHOW(now());
    SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
    SHOW(now());
    SHOW(control(EPOLL_CTL_DEL, p[0], 0));
    SHOW(control(EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLET));
    SHOW(now());
    SHOW(now());
    while (write(p[1], bytes, sizeof bytes) > 0)
        ;
    SHOW(now());
    while (read(p[0], bytes, sizeof bytes) > 0)
        ;
    SHOW(now());
    SHOW(now());
    SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET));
    close(p[0]);
    SHOW(now());
    close(p[1]);
    SHOW(now());
    round_robin();

    int fd = eventfd(0, 0);
    uint64_t one = 1;
    pthread_t threads[3];
    long woken = 0;
    SHOW(control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET));
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, wait_once, NULL);
    sleep_ms(30);
    MUST(write(fd, &one, 8));
    for (int i = 0; i < 3; i++) {
        void *result;
        pthread_join(threads[i], &result);
        woken += (long)result;
    }
    SHOW(woken);
    close(fd);
    fd = eventfd(1, 0);
    SHOW(control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE));
    SHOW(control(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE));
    SHOW(control(EPOLL_CTL_ADD, 1, EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE));
    SHOW(now());
    close(fd);
    edges_of_the_other_way();
    close(e);
    return 0;
}
