/* pidfd_open(2), pidfd_send_signal(2), CLONE_PIDFD, waitid(2) P_PIDFD: a process by descriptor. */
#include "process.h"
#include <linux/sched.h>
#include <poll.h>
#include <sys/epoll.h>

static char stack[65536] __attribute__((aligned(16)));

static int pidfd_open(pid_t pid, unsigned flags)
{
    return syscall(SYS_pidfd_open, pid, flags);
}

static int pidfd_signal(int fd, int signal, siginfo_t *info, unsigned flags)
{
    return syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}

static int ready(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    int count = poll(&p, 1, 0);
    return count < 0 ? count : p.revents;
}

static int exits_6(void)
{
    return 6;
}

static int waits(void *arg)
{
    (void)arg;
    return waits_for_ever();
}

static void by_id(void)
{
    siginfo_t info;
    struct epoll_event event = {.events = EPOLLIN};
    pid_t pid = child(waits_for_ever);
    int fd = pidfd_open(pid, 0), epoll = epoll_create1(0);
    MUST(fd);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(ready(fd));
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG));
    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
    SHOW(epoll_wait(epoll, &event, 1, 0));
    SHOW(pidfd_signal(fd, 0, NULL, 0));
    SHOW(pidfd_signal(fd, 65, NULL, 0));
    SHOW(pidfd_signal(fd, SIGUSR1, NULL, 0x100));
    memset(&info, 0, sizeof info);
    info.si_signo = SIGUSR2;
    info.si_code = SI_QUEUE;
    SHOW(pidfd_signal(fd, SIGUSR1, &info, 0)); /* not the signal of the info */
    SHOW(pidfd_signal(fd, SIGUSR1, (siginfo_t *)1, 0));
    SHOW(pidfd_signal(fd, SIGUSR1, NULL, 0));
    SHOW(epoll_wait(epoll, &event, 1, 1000));
    SHOW(ready(fd));
    SHOW(pidfd_signal(fd, SIGUSR1, NULL, 0)); /* a zombie */
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
    CHECK(info.si_pid == pid && info.si_code == CLD_KILLED && info.si_status == SIGUSR1);
    SHOW(ready(fd) & POLLIN);
    SHOW(pidfd_signal(fd, 0, NULL, 0));
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
    SHOW(pidfd_open(pid, 0));
    char byte;
    SHOW(read(fd, &byte, 1));
    SHOW(write(fd, &byte, 1));
    close(fd);
    close(epoll);
}

static void by_clone(void)
{
    int fd = -1;
    pid_t pid = clone(waits, stack + sizeof stack, CLONE_PIDFD | SIGCHLD, NULL, &fd);
    MUST(pid);
    CHECK(fd > 2 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    SHOW(pidfd_signal(fd, SIGTERM, NULL, 0));
    reap("of clone", pid);
    close(fd);
    struct clone_args args = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
    args.pidfd = (uint64_t)&fd;
    pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        _exit(17);
    siginfo_t info;
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
    SHOW(info.si_status);
    close(fd);
}

int main(void)
{
    siginfo_t info;
    SHOW(pidfd_open(1 << 28, 0));
    SHOW(pidfd_open(0, 0));
    SHOW(pidfd_open(-1, 0));
    SHOW(pidfd_open(getpid(), 1));
    SHOW(pidfd_signal(1, 0, NULL, 0));
    SHOW(pidfd_signal(99, 0, NULL, 0));
    SHOW(waitid(P_PIDFD, 1, &info, WEXITED));
    char directory_path[32];
    snprintf(directory_path, sizeof directory_path, "/proc/%d", getpid());
    int directory = open(directory_path, O_RDONLY | O_DIRECTORY);
    SHOW(pidfd_signal(directory, 0, NULL, 0));
    SHOW(pidfd_signal(directory, 65, NULL, 0));
    close(directory);
    directory = open("/proc", O_RDONLY | O_DIRECTORY);
    SHOW(pidfd_signal(directory, 0, NULL, 0));
    close(directory);
    int self = pidfd_open(getpid(), 0);
    SHOW(pidfd_signal(self, 0, NULL, 0));
    SHOW(ready(self));
    SHOW(waitid(P_PIDFD, self, &info, WEXITED));
    close(self);
    int fd = pidfd_open(getpid(), 04000); /* PIDFD_NONBLOCK */
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
    by_id();
    by_clone();
    pid_t pid = child(exits_6);
    fd = pidfd_open(pid, 04000);
    CHECK(comes_to(pid, 'Z'));
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
    close(fd);
    pid = child(waits_for_ever);
    fd = pidfd_open(pid, 04000);
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
    kill(pid, SIGKILL);
    reap("killed", pid);
    close(fd);
    return 0;
}
