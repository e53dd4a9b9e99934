/* epoll(7): registrations belong to open files; copies of descriptors, closing, and reused numbers. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int e;

static int add(int fd, uint32_t value)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = value};
    return epoll_ctl(e, EPOLL_CTL_ADD, fd, &event);
}

static void show_ready(const char *when)
{
    struct epoll_event events[8];
    int count = epoll_wait(e, events, 8, 0);
    uint32_t bits = 0;
    for (int i = 0; i < count; i++)
        bits |= 1u << events[i].data.u32;
    printf("%s: %d ready, %x\n", when, count, bits);
}

int main(void)
{
    int first = eventfd(1, 0), copy = dup(first);
    e = epoll_create1(0);
    SHOW(add(first, 1));
    SHOW(add(copy, 2)); /* the same file by another number */
    show_ready("both");
    close(first);
    show_ready("one number closed"); /* its registration lives while the file does */
    SHOW(epoll_ctl(e, EPOLL_CTL_DEL, first, NULL));
    int again = eventfd(1, 0);
    CHECK(again == first);
    SHOW(add(again, 3));
    show_ready("the number used again");
    SHOW(epoll_ctl(e, EPOLL_CTL_DEL, again, NULL));
    show_ready("and removed");
    close(copy);
    show_ready("the file closed");
    close(again);
    int fd = eventfd(1, 0);
    SHOW(add(fd, 4));
    SHOW(dup2(fd, 50));
    SHOW(add(50, 5));
    show_ready("with dup2");
    SHOW(close(50));
    show_ready("dup2's closed");
    int other = dup(e); /* the instance by another number */
    SHOW(epoll_ctl(other, EPOLL_CTL_DEL, fd, NULL));
    show_ready("removed by a copy");
    close(other);
    close(fd);
    close(e);
    return 0;
}
