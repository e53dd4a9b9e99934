/* epoll_ctl(2) ELOOP: instances that watch each other from the top down; and that a description
 * with very many interests ends at once. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/resource.h>

enum { CHAIN = 40, INTERESTS = 15000 };


static void chain(void)
{
    int instances[CHAIN], made = 0, pipes[2];
    struct epoll_event event = {EPOLLIN, {0}};
    for (int i = 0; i < CHAIN; i++)
        instances[i] = epoll_create1(0);
    while (made + 1 < CHAIN
           && epoll_ctl(instances[made], EPOLL_CTL_ADD, instances[made + 1], &event) == 0)
        made++;
    printf("%d watch the next, then %s\n", made, strerrorname_np(errno));
    MUST(pipe(pipes));
    SHOW(epoll_ctl(instances[made], EPOLL_CTL_ADD, pipes[0], &event));
    MUST(write(pipes[1], "x", 1));
    SHOW(epoll_wait(instances[0], &event, 1, 0));
}

static void many(int closes_instance)
{
    int instance = epoll_create1(0), pipes[2];
    struct epoll_event event = {EPOLLIN, {0}};
    MUST(pipe(pipes));
    for (int i = 0; i < INTERESTS; i++) {
        int fd = dup(pipes[0]);
        if (fd < 0 || epoll_ctl(instance, EPOLL_CTL_ADD, fd, &event) < 0) {
            printf("%d: %s\n", i, strerrorname_np(errno));
            break;
        }
    }
    MUST(write(pipes[1], "x", 1));
    SHOW(epoll_wait(instance, &event, 1, 0));
    long began_ms = now_ms();
    if (closes_instance)
        close(instance);
    else
        close_range(3, instance - 1, 0), close_range(instance + 1, ~0U, 0);
    CHECK(now_ms() - began_ms < 1000);
    close_range(3, ~0U, 0);
}

int main(void)
{
    struct rlimit limit = {20000, 20000};
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    chain();
    close_range(3, ~0U, 0);
    many(1);
    many(0);
    return 0;
}
