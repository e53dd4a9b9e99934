/* epoll_pwait2(2), epoll_pwait(2): times in nanoseconds, and a signal mask for the wait. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static volatile int handled;
static pthread_t main_thread;

static void handler(int signal)
{
    (void)signal;
    handled++;
}

static void *disturbs(void *arg)
{
    sleep_ms(20);
    pthread_kill(main_thread, SIGUSR1);
    return arg;
}

static int wait2(int e, struct epoll_event *event, int count, struct timespec *t, const sigset_t *mask)
{
    return syscall(SYS_epoll_pwait2, e, event, count, t, mask, 8);
}

int main(void)
{
    int e = epoll_create1(0), fd = eventfd(0, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x123456789abcdef0};
    struct timespec zero = {0, 0}, some = {0, 15000000}, bad = {0, 1000000000}, negative = {-1, 0};
    sigset_t usr1, none;
    pthread_t thread;
    main_thread = pthread_self();
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    signal(SIGUSR1, handler);
    epoll_ctl(e, EPOLL_CTL_ADD, fd, &event);

    SHOW(wait2(e, &event, 1, &zero, NULL));
    long before = now_ms();
    SHOW(wait2(e, &event, 1, &some, NULL));
    CHECK(now_ms() - before >= 14);
    CHECK(some.tv_nsec == 15000000);
    SHOW(wait2(e, &event, 1, &bad, NULL));
    SHOW(wait2(e, &event, 1, &negative, NULL));
    SHOW(wait2(e, &event, 1, (void *)8, NULL));
    SHOW(wait2(e, &event, 0, &zero, NULL));
    SHOW(wait2(99, &event, 1, &zero, NULL));
    SHOW(syscall(SYS_epoll_pwait2, e, &event, 1, &zero, &none, 4));

    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    raise(SIGUSR1);
    SHOW(epoll_wait(e, &event, 1, 0));
    SHOW(handled);
    SHOW(epoll_pwait(e, &event, 1, 1000, &none));
    SHOW(handled);
    raise(SIGUSR1);
    SHOW(wait2(e, &event, 1, NULL, &none));
    SHOW(handled);
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    SHOW(sigismember(&now, SIGUSR1)); /* the mask is back */
    pthread_create(&thread, NULL, disturbs, NULL);
    SHOW(epoll_pwait(e, &event, 1, -1, &none));
    pthread_join(thread, NULL);
    SHOW(handled);
    pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
    pthread_create(&thread, NULL, disturbs, NULL);
    SHOW(epoll_pwait(e, &event, 1, 50, &usr1)); /* it is blocked for the wait only */
    pthread_join(thread, NULL);
    SHOW(handled);
    uint64_t one = 1;
    MUST(write(fd, &one, 8));
    SHOW(wait2(e, &event, 1, NULL, NULL));
    CHECK(event.data.u64 == 0x123456789abcdef0 && event.events == EPOLLIN);
    close(e);
    close(fd);
    return 0;
}
