/* epoll(7) § Questions: instances inside instances, loops, and how deep they may go. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int control(int epoll, int op, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(epoll, op, fd, &event);
}

static int wait_for(int epoll)
{
    struct epoll_event event = {0};
    int ready = epoll_wait(epoll, &event, 1, 0);
    return ready == 1 ? (int)event.events : ready;
}

int main(void)
{
    int inner = epoll_create1(0), outer = epoll_create1(0), event = eventfd(0, 0), chain[8];
    uint64_t one = 1;
    SHOW(control(outer, EPOLL_CTL_ADD, inner, EPOLLIN));
    SHOW(control(inner, EPOLL_CTL_ADD, event, EPOLLIN));
    SHOW(wait_for(outer));
    MUST(write(event, &one, 8));
    SHOW(wait_for(outer));
    SHOW(wait_for(outer)); /* level triggered */
    SHOW(wait_for(inner));
    struct pollfd p = {inner, POLLIN | POLLOUT, 0};
    SHOW(poll(&p, 1, 0));
    SHOW(p.revents);
    MUST(read(event, &one, 8));
    SHOW(wait_for(outer));
    SHOW(poll(&p, 1, 0));
    SHOW(control(outer, EPOLL_CTL_MOD, inner, EPOLLIN | EPOLLET));
    MUST(write(event, &one, 8));
    SHOW(wait_for(outer));
    SHOW(wait_for(outer)); /* edge triggered */

    SHOW(control(inner, EPOLL_CTL_ADD, inner, EPOLLIN));
    SHOW(control(inner, EPOLL_CTL_ADD, outer, EPOLLIN));
    SHOW(control(inner, EPOLL_CTL_MOD, inner, EPOLLIN));
    SHOW(control(outer, EPOLL_CTL_ADD, event, EPOLLIN)); /* by two ways at once */
    SHOW(control(outer, EPOLL_CTL_DEL, inner, 0));
    SHOW(wait_for(outer));
    for (int i = 0; i < 8; i++)
        chain[i] = epoll_create1(0);
    for (int i = 0; i < 7; i++)
        printf("depth %d: %s\n", i + 1,
               control(chain[i + 1], EPOLL_CTL_ADD, chain[i], EPOLLIN) ? strerrorname_np(errno) : "ok");
    close(inner);
    SHOW(wait_for(outer));
    for (int i = 0; i < 8; i++)
        close(chain[i]);
    close(outer);
    close(event);
    return 0;
}
