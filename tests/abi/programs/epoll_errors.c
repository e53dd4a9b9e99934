/* epoll_ctl(2), epoll_wait(2), epoll_create(2): errors, in the order in which they are found. */
#include "check.h"
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

int main(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int fd = eventfd(0, 0), e;
    SHOW(epoll_create(0));
    SHOW(epoll_create(-1));
    e = epoll_create(1);
    SHOW(fcntl(e, F_GETFD));
    close(e);
    SHOW(epoll_create1(1));
    e = epoll_create1(EPOLL_CLOEXEC);
    SHOW(fcntl(e, F_GETFD));

    SHOW(epoll_ctl(99, EPOLL_CTL_ADD, fd, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, 99, &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, fd, &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, e, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, e, &event));
    SHOW(epoll_ctl(e, 9, fd, &event));
    SHOW(epoll_ctl(e, 0, fd, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_MOD, fd, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_DEL, fd, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, fd, NULL));
    SHOW(epoll_ctl(99, EPOLL_CTL_ADD, fd, NULL)); /* the address is looked at first */
    SHOW(epoll_ctl(99, EPOLL_CTL_DEL, 99, NULL));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, fd, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, fd, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_DEL, fd, NULL));
    int file = open("file", O_RDWR | O_CREAT, 0600), directory = open(".", O_RDONLY);
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, file, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, directory, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_DEL, file, &event));
    int null = open("/dev/null", O_RDWR), path = open(".", O_PATH);
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, null, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, path, &event));

    SHOW(epoll_wait(99, &event, 1, 0));
    SHOW(epoll_wait(fd, &event, 1, 0));
    SHOW(epoll_wait(e, &event, 0, 0));
    SHOW(epoll_wait(e, &event, -1, 0));
    SHOW(epoll_wait(e, &event, 1 << 28, 0));
    SHOW(epoll_wait(e, (void *)1, 1, 0)); /* nothing to store */
    event.events = EPOLLOUT;
    MUST(epoll_ctl(e, EPOLL_CTL_ADD, fd, &event));
    SHOW(syscall(SYS_epoll_wait, e, 8L, 1, 0));
    SHOW(epoll_wait(e, &event, 1, 0)); /* it was not lost */
    SHOW(epoll_wait(e, &event, 1, -5));
    sigset_t set;
    sigemptyset(&set);
    SHOW(syscall(SYS_epoll_pwait, e, &event, 1, 0, &set, 4));
    SHOW(syscall(SYS_epoll_pwait, e, &event, 1, 0, 8L, 8));
    SHOW(syscall(SYS_epoll_pwait, e, &event, 1, 0, NULL, 4));
    char byte;
    SHOW(read(e, &byte, 1));
    SHOW(write(e, &byte, 1));
    close(file);
    close(directory);
    close(null);
    close(path);
    close(fd);
    close(e);
    unlink("file");
    return 0;
}
