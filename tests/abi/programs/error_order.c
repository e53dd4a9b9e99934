/* Which error comes first when several arguments are wrong: a bad descriptor, address, flag or length. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

/* Volatile, so that the compiler has no opinion about it. */
static void *volatile bad = (void *)8;
#define BAD bad

int main(void)
{
    int fd = open("f", O_RDWR | O_CREAT, 0600), only = open("f", O_RDONLY);
    struct itimerspec spec = {{0, 0}, {0, 0}};
    MUST(write(fd, "data", 4));
    SHOW(read(99, BAD, 1));
    SHOW(write(99, BAD, 1));
    SHOW(write(only, BAD, 1));
    SHOW(readv(99, BAD, -1));
    SHOW(writev(only, BAD, 1));
    SHOW(writev(fd, BAD, -1));
    SHOW(pread(99, BAD, 1, -1));
    SHOW(getsockname(99, BAD, BAD));
    SHOW(getsockname(fd, BAD, BAD));
    SHOW(connect(99, BAD, 100));
    SHOW(bind(fd, BAD, -1));
    SHOW(sendto(99, BAD, 1, 0, BAD, 1));
    SHOW(recvfrom(fd, BAD, 1, 0, BAD, BAD));
    SHOW(sendmsg(99, BAD, 0));
    SHOW(sendmsg(fd, BAD, 0));
    SHOW(accept(fd, BAD, BAD));
    SHOW(accept4(fd, NULL, NULL, 0x1234));
    SHOW(setsockopt(99, SOL_SOCKET, SO_REUSEADDR, BAD, 4));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, BAD, -1));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, BAD, BAD));
    SHOW(socketpair(AF_UNIX, 99, 0, BAD));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD));
    SHOW(pipe2(BAD, 0x1234));
    SHOW(pipe2(BAD, 0));
    SHOW(epoll_ctl(99, 9, 99, BAD));
    SHOW(epoll_wait(fd, BAD, 0, 0));
    SHOW(eventfd(0, 0x1234));
    SHOW(timerfd_create(99, 0x1234));
    SHOW(timerfd_settime(99, 0x99, &spec, NULL));
    SHOW(timerfd_gettime(fd, BAD));
    SHOW(syscall(SYS_signalfd4, 99, BAD, 8, 0));
    SHOW(syscall(SYS_signalfd4, 99, BAD, 4, 0));
    SHOW(sendfile(only, fd, NULL, 1));
    SHOW(sendfile(fd, fd, BAD, 1));
    SHOW(copy_file_range(fd, NULL, only, NULL, 1, 0));
    SHOW(dup3(99, 99, 0));
    SHOW(dup3(fd, fd, 0x1234));
    SHOW(dup3(99, -1, 0x1234));
    SHOW(dup2(99, 99));
    SHOW(dup2(fd, fd) == fd);
    SHOW(dup2(fd, -1));
    SHOW(fcntl(99, 9999));
    SHOW(fcntl(fd, 9999));
    SHOW(fcntl(fd, F_GETLK, BAD));
    SHOW(ftruncate(99, -1));
    SHOW(ftruncate(only, -1));
    SHOW(fallocate(99, 0, -1, 0));
    SHOW(fallocate(only, 0, -1, 0));
    SHOW(openat(99, BAD, 0));
    SHOW(openat(99, "f", 0));
    SHOW(unlinkat(99, BAD, 0x1234));
    SHOW(unlinkat(99, "f", 0x1234));
    SHOW(renameat2(99, BAD, 99, BAD, 0x1234));
    SHOW(linkat(99, BAD, 99, BAD, 0x1234));
    SHOW(symlinkat(BAD, 99, "x"));
    SHOW(readlinkat(99, "f", BAD, 0));
    SHOW(readlinkat(99, BAD, BAD, 1));
    SHOW(readlink("f", BAD, 1));
    SHOW(mkdirat(99, BAD, 0));
    SHOW(fchmodat(99, BAD, 0, 0));
    SHOW(fstatat(99, BAD, BAD, 0x1));
    SHOW(syscall(SYS_statx, 99, BAD, 0x1, 0, BAD));
    SHOW(syscall(SYS_getdents64, fd, BAD, 0));
    SHOW(syscall(SYS_poll, BAD, 1, 0));
    SHOW(syscall(SYS_clock_gettime, 99, BAD));
    SHOW(syscall(SYS_clock_nanosleep, 99, 0, BAD, NULL));
    SHOW(syscall(SYS_timer_create, 99, BAD, BAD));
    SHOW(syscall(SYS_rt_sigaction, 99, BAD, BAD, 4));
    SHOW(syscall(SYS_rt_sigprocmask, 99, BAD, NULL, 8));
    SHOW(syscall(SYS_getitimer, 9, BAD));
    SHOW(syscall(SYS_setitimer, 9, BAD, NULL));
    SHOW(syscall(SYS_getrusage, 99, BAD));
    SHOW(syscall(SYS_getgroups, -1, BAD));
    SHOW(syscall(SYS_getrandom, BAD, 1, 0x1234));
    SHOW(syscall(SYS_memfd_create, BAD, 0x1234));
    CHECK(mmap(NULL, 0, 0, 0, 99, 1) == MAP_FAILED && errno == EINVAL);
    SHOW(mprotect(BAD, 1, 0x100));
    SHOW(mincore(BAD, 1, BAD));
    SHOW(close(99));
    SHOW(close(-1));
    SHOW(close_range(5, 4, 0));
    SHOW(close_range(3, 4, 0x100));
    close(fd);
    close(only);
    unlink("f");
    return 0;
}
