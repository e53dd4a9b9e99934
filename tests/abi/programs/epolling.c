/* epoll(7), epoll_ctl(2), epoll_wait(2): level and edge triggering, ONESHOT, nesting, modification,
 * closed descriptors, loops. */
#include "check.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int ep;

static int wait_for(int timeout)
{
    struct epoll_event events[8];
    int n = epoll_wait(ep, events, 8, timeout);
    printf("%d:", n);
    for (int i = 0; i < n; i++)
        printf(" %lu/%x", events[i].data.u64, events[i].events);
    printf("\n");
    return n;
}

static void *write_later(void *arg)
{
    uint64_t one = 1;
    sleep_ms(30);
    MUST(write(*(int *)arg, &one, 8));
    return NULL;
}

static int ctl(int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(ep, op, fd, &event);
}

int main(void)
{
    int fds[2];
    char buffer[16];
    ep = epoll_create1(EPOLL_CLOEXEC);
    MUST(pipe(fds));
    SHOW(ctl(EPOLL_CTL_ADD, fds[0], EPOLLIN, 1));
    SHOW(ctl(EPOLL_CTL_ADD, fds[0], EPOLLIN, 1));
    SHOW(ctl(EPOLL_CTL_MOD, fds[1], EPOLLOUT, 2));
    SHOW(ctl(EPOLL_CTL_DEL, fds[1], 0, 0));
    SHOW(ctl(EPOLL_CTL_ADD, ep, EPOLLIN, 1));
    SHOW(ctl(EPOLL_CTL_ADD, 99, EPOLLIN, 1));
    SHOW(ctl(77, fds[1], EPOLLIN, 1));
    SHOW(epoll_create(0));
    SHOW(epoll_create1(0x1234));
    struct epoll_event event;
    SHOW(epoll_wait(ep, &event, 0, 0));
    SHOW(epoll_wait(fds[0], &event, 1, 0));
    SHOW(epoll_ctl(fds[0], EPOLL_CTL_ADD, fds[1], &event));
    wait_for(0);
    write(fds[1], "ab", 2);
    wait_for(0);
    wait_for(0);
    read(fds[0], buffer, 1);
    wait_for(0);
    SHOW(ctl(EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLET, 3));
    wait_for(0);
    wait_for(0);
    write(fds[1], "c", 1);
    wait_for(0);
    read(fds[0], buffer, 16);
    wait_for(0);
    SHOW(ctl(EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLONESHOT, 4));
    write(fds[1], "d", 1);
    wait_for(0);
    write(fds[1], "e", 1);
    wait_for(0);
    SHOW(ctl(EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLONESHOT, 5));
    wait_for(0);
    SHOW(ctl(EPOLL_CTL_ADD, fds[1], EPOLLOUT, 6));
    wait_for(0);
    SHOW(ctl(EPOLL_CTL_DEL, fds[0], 0, 0));
    SHOW(ctl(EPOLL_CTL_DEL, fds[1], 0, 0));
    wait_for(0);

    int event_fd = eventfd(0, EFD_NONBLOCK);
    SHOW(ctl(EPOLL_CTL_ADD, event_fd, EPOLLIN, 7));
    pthread_t thread;
    pthread_create(&thread, NULL, write_later, &event_fd);
    long before = now_ms();
    wait_for(2000);
    CHECK(now_ms() - before >= 25 && now_ms() - before < 1500);
    pthread_join(thread, NULL);
    before = now_ms();
    read(event_fd, buffer, 8);
    wait_for(25);
    CHECK(now_ms() - before >= 24);

    int inner = ep, outer = epoll_create1(0);
    event.events = EPOLLIN;
    event.data.u64 = 8;
    SHOW(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event));
    event.data.u64 = 9;
    SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &event));
    ep = outer;
    wait_for(0);
    uint64_t one = 1;
    write(event_fd, &one, 8);
    wait_for(0);
    ep = inner;
    wait_for(0);
    close(event_fd);
    wait_for(0);

    int file = open("f", O_RDWR | O_CREAT, 0600);
    SHOW(ctl(EPOLL_CTL_ADD, file, EPOLLIN, 1));
    close(file);
    unlink("f");
    SHOW(ctl(EPOLL_CTL_ADD, fds[0], EPOLLIN | EPOLLRDHUP, 10));
    read(fds[0], buffer, 16);
    close(fds[1]);
    wait_for(0);
    int copy = dup(fds[0]);
    close(fds[0]);
    wait_for(0);
    close(copy);
    wait_for(0);

    /* more ready than asked for: the next call goes on where this one stopped */
    int many[5];
    for (int i = 0; i < 5; i++) {
        many[i] = eventfd(1, 0);
        ctl(EPOLL_CTL_ADD, many[i], EPOLLIN, 20 + i);
    }
    unsigned seen = 0;
    for (int i = 0; i < 3; i++) {
        struct epoll_event two[2];
        int n = epoll_wait(ep, two, 2, 0);
        for (int j = 0; j < n; j++)
            seen |= 1u << (two[j].data.u64 - 20);
    }
    printf("seen %x\n", seen);
    for (int i = 0; i < 5; i++)
        close(many[i]);
    close(inner);
    close(outer);
    return 0;
}
