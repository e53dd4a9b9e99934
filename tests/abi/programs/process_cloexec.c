/* fcntl(2) FD_CLOEXEC, O_CLOEXEC and its like: which descriptors an executed program finds. */
#include "process.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

static int executed(void)
{
    printf("open:");
    for (int fd = 3; fd < 120; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf(" %d", fd);
    printf("\n");
    return 0;
}

/* Moves `fd` to `number`, keeping what it says of being closed. */
static void at(int number, int fd)
{
    int flags = fcntl(fd, F_GETFD);
    MUST(fd);
    MUST(dup3(fd, number, flags & FD_CLOEXEC ? O_CLOEXEC : 0));
    close(fd);
}

static int with_descriptors(void)
{
    int pair[2];
    sigset_t none;
    sigemptyset(&none);
    at(40, open("/dev/null", O_RDONLY));
    at(41, open("/dev/null", O_RDONLY | O_CLOEXEC));
    at(42, open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    MUST(pipe2(pair, O_CLOEXEC));
    at(43, pair[0]);
    at(44, pair[1]);
    MUST(pipe(pair));
    at(45, pair[0]);
    at(46, pair[1]);
    at(47, epoll_create1(EPOLL_CLOEXEC));
    at(48, epoll_create1(0));
    at(49, eventfd(0, EFD_CLOEXEC));
    at(50, eventfd(0, 0));
    at(51, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    at(52, timerfd_create(CLOCK_MONOTONIC, 0));
    at(53, signalfd(-1, &none, SFD_CLOEXEC));
    at(54, signalfd(-1, &none, 0));
    at(55, memfd_create("m", MFD_CLOEXEC));
    at(56, memfd_create("m", 0));
    at(57, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    at(58, socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    at(59, pair[0]);
    at(60, pair[1]);
    MUST(dup2(41, 70)); /* a copy is not closed */
    MUST(dup3(40, 71, O_CLOEXEC));
    MUST(fcntl(41, F_DUPFD, 72));
    MUST(fcntl(40, F_DUPFD_CLOEXEC, 73));
    MUST(fcntl(50, F_SETFD, FD_CLOEXEC));
    MUST(fcntl(49, F_SETFD, 0));
    for (int fd = 90; fd < 100; fd++)
        MUST(dup2(40, fd));
    MUST(close_range(92, 94, CLOSE_RANGE_CLOEXEC));
    MUST(close_range(97, 98, 0));
    become("executed");
    return 1;
}

static int failing(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    execl("absent", "absent", (char *)NULL);
    SHOW(fcntl(fd, F_GETFD)); /* a call that fails closes nothing */
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return executed();
    run("executed", with_descriptors);
    run("failed", failing);
    return 0;
}
