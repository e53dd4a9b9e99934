/* dup(2), fcntl(2), close_range(2): lowest free numbers, what is shared and what is not. */
#include "check.h"
#include <linux/close_range.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

int main(void)
{
    int fd = open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    SHOW(fd);
    SHOW(dup(fd));
    SHOW(fcntl(4, F_GETFD));
    SHOW(fcntl(3, F_GETFD));
    SHOW(write(3, "abcdef", 6));
    SHOW(lseek(4, 0, SEEK_CUR));
    SHOW(dup2(3, 10));
    SHOW(dup2(3, 3));
    SHOW(dup2(99, 99));
    SHOW(dup2(99, 4));
    SHOW(fcntl(4, F_GETFD));
    SHOW(dup3(3, 11, O_CLOEXEC));
    SHOW(fcntl(11, F_GETFD));
    SHOW(dup3(3, 3, 0));
    SHOW(dup3(3, 12, O_APPEND));
    SHOW(dup2(3, -1));
    SHOW(fcntl(3, F_DUPFD, 4));
    SHOW(fcntl(3, F_DUPFD_CLOEXEC, 10));
    SHOW(fcntl(12, F_GETFD));
    SHOW(fcntl(3, F_DUPFD, -1));
    SHOW(close(4));
    SHOW(open("f", O_RDONLY)); /* its own description: own offset, own flags */
    SHOW(lseek(4, 0, SEEK_CUR));
    SHOW(fcntl(3, F_SETFL, O_APPEND | O_NONBLOCK | O_RDONLY));
    SHOW(fcntl(10, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE));
    SHOW(fcntl(4, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE));
    int on = 0;
    SHOW(ioctl(3, FIONBIO, &on));
    SHOW(fcntl(10, F_GETFL) & O_NONBLOCK);
    SHOW(ioctl(5, FIOCLEX));
    SHOW(fcntl(5, F_GETFD));
    SHOW(ioctl(5, FIONCLEX));
    SHOW(fcntl(5, F_SETFD, FD_CLOEXEC));
    SHOW(fcntl(5, F_GETFD));
    SHOW(fcntl(5, 9999));
    SHOW(ioctl(5, 0x1234567));
    SHOW(ioctl(99, FIONREAD, &on));
    SHOW(fcntl(5, F_GETOWN));
    SHOW(fcntl(5, F_SETOWN, getpid()));
    CHECK(fcntl(5, F_GETOWN) == getpid());
    SHOW(fcntl(5, F_SETOWN, -getpgrp()));
    struct f_owner_ex owner;
    SHOW(fcntl(5, F_GETOWN_EX, &owner));
    CHECK(owner.type == F_OWNER_PGRP && owner.pid == getpgrp());
    owner.type = F_OWNER_PID;
    owner.pid = getpid();
    SHOW(fcntl(5, F_SETOWN_EX, &owner));
    CHECK(fcntl(5, F_GETOWN) == getpid());
    owner.type = 77;
    SHOW(fcntl(5, F_SETOWN_EX, &owner));
    SHOW(fcntl(5, F_SETOWN, 999999));
    SHOW(fcntl(5, F_SETFL, O_NOATIME));
    CHECK((fcntl(5, F_GETFL) & O_NOATIME) != 0);
    SHOW(fcntl(5, F_SETFL, 0));
    CHECK((fcntl(5, F_GETFL) & O_NOATIME) == 0);

    struct rlimit limit, low;
    getrlimit(RLIMIT_NOFILE, &limit);
    low = limit;
    low.rlim_cur = 20;
    SHOW(setrlimit(RLIMIT_NOFILE, &low));
    SHOW(dup2(3, 20));
    SHOW(dup2(3, 19));
    SHOW(fcntl(3, F_DUPFD, 20));
    SHOW(fcntl(3, F_DUPFD, 19));
    int last = 0, opened = 0;
    while ((last = dup(3)) >= 0)
        opened++;
    SHOW(opened);
    SHOW(open("f", O_RDONLY));
    setrlimit(RLIMIT_NOFILE, &limit);
    SHOW(syscall(SYS_close_range, 13, 12, 0));
    SHOW(syscall(SYS_close_range, 11, 18, CLOSE_RANGE_CLOEXEC));
    SHOW(fcntl(18, F_GETFD));
    SHOW(fcntl(19, F_GETFD));
    SHOW(syscall(SYS_close_range, 4, 100, 0));
    SHOW(fcntl(4, F_GETFD));
    SHOW(fcntl(3, F_GETFD));
    SHOW(close(3));
    SHOW(close(3));
    SHOW(unlink("f"));
    return 0;
}
