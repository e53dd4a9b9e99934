/* dup(2), fcntl(2), close(2), close_range(2), ioctl(2) FIO*: shared offsets, flags of each. */
#include "check.h"
#include <sys/ioctl.h>
#include <sys/resource.h>

int main(void)
{
    char c;
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
    write(fd, "abcdef", 6);
    lseek(fd, 0, SEEK_SET);
    int copy = dup(fd);
    CHECK(copy == fd + 1);
    read(copy, &c, 1);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(dup2(fd, 20) == 20);
    SHOW(dup2(fd, fd) == fd);
    SHOW(dup2(99, 21));
    SHOW(dup2(fd, -1));
    SHOW(dup3(fd, fd, 0));
    SHOW(dup3(fd, 22, O_CLOEXEC) == 22);
    SHOW(fcntl(22, F_GETFD));
    SHOW(fcntl(20, F_GETFD));
    SHOW(dup3(fd, 23, O_APPEND));
    SHOW(fcntl(fd, F_DUPFD, 30));
    SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 30));
    SHOW(fcntl(31, F_GETFD));
    SHOW(fcntl(31, F_SETFD, 0));
    SHOW(fcntl(31, F_GETFD));
    SHOW(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
    SHOW(fcntl(copy, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE));
    SHOW(fcntl(fd, F_GETFL) & O_CREAT);
    SHOW(fcntl(99, F_GETFL));
    SHOW(fcntl(fd, 12345));
    int fds[2], on = 1, pending;
    MUST(pipe2(fds, O_CLOEXEC));
    write(fds[1], "xyz", 3);
    SHOW(ioctl(fds[0], FIONREAD, &pending));
    printf("pending %d\n", pending);
    SHOW(ioctl(fds[0], FIONBIO, &on));
    SHOW(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    SHOW(ioctl(fds[0], FIONCLEX));
    SHOW(fcntl(fds[0], F_GETFD));
    SHOW(ioctl(fds[0], 0x5401, &on));
    SHOW(close(copy));
    SHOW(close(copy));
    SHOW(close(-1));
    SHOW(close_range(20, 40, 0));
    SHOW(fcntl(22, F_GETFD));
    SHOW(close_range(9, 3, 0));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    SHOW(fcntl(fd, F_SETLK, &lock));
    SHOW(fcntl(fd, F_GETLK, &lock));
    SHOW(lock.l_type == F_UNLCK);
    struct rlimit limit = {fd + 3, 1000}, before;
    getrlimit(RLIMIT_NOFILE, &before);
    limit.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    close(fds[0]);
    close(fds[1]);
    int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY);
    CHECK(a > fd && b > a);
    SHOW(open("/dev/null", O_RDONLY));
    SHOW(dup(fd));
    SHOW(pipe(fds));
    setrlimit(RLIMIT_NOFILE, &before);
    close(a);
    close(b);
    close(fd);
    unlink("f");
    return 0;
}
