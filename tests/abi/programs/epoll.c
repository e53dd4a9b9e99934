/* epoll(7), epoll_ctl(2), epoll_wait(2): level triggered; ADD, MOD, DEL and their errors, data, maxevents,
 * closed descriptors and duplicates, nesting. */
#include "check.h"
#include <pthread.h>
#include <sys/epoll.h>

static int e, p[2];

static void wait_now(const char *what, int most)
{
    struct epoll_event events[8];
    memset(events, 0, sizeof events);
    int ready = epoll_wait(e, events, most, 0);
    printf("%s: %s%d", what, ready < 0 ? strerrorname_np(errno) : "", ready);
    uint64_t sum = 0, bits = 0;
    for (int i = 0; i < ready; i++) {
        sum += events[i].data.u64;
        bits |= events[i].events;
    }
    printf(" data %lu events %lx\n", (unsigned long)sum, (unsigned long)bits);
}

static int control(int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data = {.u64 = data}};
    return epoll_ctl(e, op, fd, &event);
}

static void *later(void *arg)
{
    (void)arg;
    sleep_ms(30);
    return (void *)write(p[1], "x", 1);
}

static void errors(void)
{
    int file = open("f", O_RDWR | O_CREAT, 0644);
    struct epoll_event event;
    SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    SHOW(control(EPOLL_CTL_MOD, p[1], EPOLLIN, 1));
    SHOW(control(EPOLL_CTL_DEL, p[1], 0, 0));
    SHOW(control(EPOLL_CTL_ADD, file, EPOLLIN, 1));
    SHOW(control(EPOLL_CTL_ADD, e, EPOLLIN, 1));
    SHOW(control(EPOLL_CTL_ADD, 99, EPOLLIN, 1));
    SHOW(control(77, p[1], EPOLLIN, 1));
    SHOW(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &event));
    SHOW(epoll_ctl(99, EPOLL_CTL_ADD, p[1], &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, p[1], NULL));
    SHOW(epoll_wait(p[0], &event, 1, 0));
    SHOW(epoll_wait(e, &event, 0, 0));
    SHOW(epoll_wait(e, &event, -1, 0));
    SHOW(epoll_create1(1));
    SHOW(epoll_create(0));
    SHOW(read(e, &event, 1));
    close(file);
    unlink("f");
}

static void nested(void)
{
    int outer = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data = {.u64 = 50}}, got;
    SHOW(epoll_ctl(outer, EPOLL_CTL_ADD, e, &event));
    SHOW(control(EPOLL_CTL_ADD, outer, EPOLLIN, 1)); /* a loop */
    SHOW(epoll_wait(outer, &got, 1, 0));
    MUST(write(p[1], "x", 1));
    SHOW(epoll_wait(outer, &got, 1, 0));
    SHOW(got.data.u64);
    char byte;
    MUST(read(p[0], &byte, 1));
    SHOW(epoll_wait(outer, &got, 1, 0));
    pthread_t thread;
    pthread_create(&thread, NULL, later, NULL);
    SHOW(epoll_wait(outer, &got, 1, 5000));
    pthread_join(thread, NULL);
    MUST(read(p[0], &byte, 1));
    close(outer);
}

int main(void)
{
    char byte;
    e = epoll_create1(EPOLL_CLOEXEC);
    MUST(e);
    SHOW(fcntl(e, F_GETFD));
    MUST(pipe(p));
    SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN, 7));
    wait_now("empty", 8);
    MUST(write(p[1], "xy", 2));
    wait_now("filled", 8);
    wait_now("still", 8);
    MUST(read(p[0], &byte, 1));
    wait_now("half", 8);
    SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLOUT, 8));
    wait_now("wrong direction", 8);
    SHOW(control(EPOLL_CTL_MOD, p[0], 0, 8));
    wait_now("nothing asked", 8);
    SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLIN, 0x100000001));
    wait_now("wide data", 8);
    SHOW(control(EPOLL_CTL_ADD, p[1], EPOLLOUT, 100));
    wait_now("both", 8);
    wait_now("one at a time", 1);
    int copy = dup(p[0]);
    SHOW(control(EPOLL_CTL_ADD, copy, EPOLLIN, 1000));
    wait_now("a duplicate", 8);
    SHOW(control(EPOLL_CTL_DEL, p[0], 0, 0));
    wait_now("deleted", 8);
    close(copy);
    wait_now("its file is still open: epoll(7) Q6", 8);
    MUST(read(p[0], &byte, 1));
    SHOW(control(EPOLL_CTL_DEL, p[1], 0, 0));
    close(p[0]);
    close(p[1]);
    wait_now("closed", 8);
    MUST(pipe(p));
    errors();
    nested();
    close(p[1]);
    wait_now("hung up", 8);
    close(p[0]);
    struct epoll_event event;
    long before = now_ms();
    SHOW(epoll_wait(e, &event, 1, 30));
    CHECK(now_ms() - before >= 29);
    struct timespec t = {0, 10000000};
    SHOW(epoll_pwait2(e, &event, 1, &t, NULL));
    close(e);
    return 0;
}
