/* System calls about files, memory and time, made directly so that Linux and husk are asked the
 * same. Compared between the two access(2) calls of markers. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static void files(void) {
    char buffer[100] = {0};
    int fd = syscall(SYS_open, "data", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    syscall(SYS_write, fd, "hello \"world\"\n\t\\ \0017\001x\377", 20);
    syscall(SYS_write, fd, "a line that is longer than thirty-two characters", 48);
    syscall(SYS_pread64, fd, buffer, 10, 6);
    syscall(SYS_lseek, fd, 0, SEEK_SET);
    syscall(SYS_read, fd, buffer, 100);
    syscall(SYS_read, fd, buffer, 100);
    struct stat status;
    syscall(SYS_fstat, fd, &status);
    syscall(SYS_stat, "nothing", &status);
    syscall(SYS_newfstatat, AT_FDCWD, "/dev/null", &status, AT_SYMLINK_NOFOLLOW);
    syscall(SYS_stat, "/", (void *)8);
    syscall(SYS_fcntl, fd, F_GETFD);
    syscall(SYS_fcntl, fd, F_SETFD, 0);
    syscall(SYS_fcntl, fd, F_SETFL, O_NONBLOCK | O_APPEND);
    syscall(SYS_fcntl, fd, F_GETFL);
    syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 20);
    struct iovec parts[3] = {{"one", 3}, {"", 0}, {"three", 5}};
    syscall(SYS_writev, fd, parts, 3);
    syscall(SYS_lseek, fd, -4L, SEEK_END);
    char first[2], second[10];
    struct iovec into[2] = {{first, 2}, {second, 10}};
    syscall(SYS_readv, fd, into, 2);
    int copy = syscall(SYS_memfd_create, "copy", MFD_CLOEXEC);
    loff_t from = 1;
    syscall(SYS_sendfile, copy, fd, &from, 4);
    syscall(SYS_sendfile, copy, fd, NULL, 4);
    syscall(SYS_close, copy);
    syscall(SYS_ftruncate, fd, 5);
    syscall(SYS_mkdir, "directory", 0755);
    syscall(SYS_rename, "data", "directory/data");
    int directory = syscall(SYS_openat, AT_FDCWD, "directory", O_RDONLY | O_DIRECTORY);
    syscall(SYS_faccessat, directory, "data", R_OK | W_OK);
    syscall(SYS_symlinkat, "data", directory, "link");
    syscall(SYS_readlinkat, directory, "link", buffer, 100);
    syscall(SYS_unlinkat, directory, "link", 0);
    syscall(SYS_unlinkat, directory, "data", 0);
    char entries[1024];
    syscall(SYS_getdents64, directory, entries, sizeof entries);
    syscall(SYS_getdents64, directory, entries, sizeof entries);
    syscall(SYS_close, directory);
    syscall(SYS_unlinkat, AT_FDCWD, "directory", AT_REMOVEDIR);
    syscall(SYS_umask, 027);
    syscall(SYS_umask, 022);
    syscall(SYS_ioctl, fd, TCGETS, buffer);
    syscall(SYS_close, fd);
    syscall(SYS_close, fd);
    syscall(SYS_chdir, "/");
    syscall(SYS_getcwd, buffer, 100);
}

static void memory(void) {
    void *at = (void *)syscall(SYS_mmap, NULL, 8192, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    syscall(SYS_mprotect, at, 4096, PROT_NONE);
    syscall(SYS_madvise, at, 8192, MADV_DONTNEED);
    syscall(SYS_munmap, at, 8192);
    syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_SHARED, 99, 4096);
    syscall(SYS_brk, 0);
    struct rlimit limit;
    limit.rlim_cur = limit.rlim_max = 1 << 20;
    syscall(SYS_prlimit64, 0, RLIMIT_CORE, &limit, NULL);
    syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &limit);
    syscall(SYS_getrandom, &limit, 0, 1);
}

static void times(void) {
    struct timespec spec = {0, 1000};
    syscall(SYS_nanosleep, &spec, NULL);
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &spec, NULL);
    syscall(SYS_clock_gettime, 77, &spec);
    syscall(SYS_clock_getres, CLOCK_REALTIME, &spec);
    int timer = syscall(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct itimerspec later = {{0, 0}, {100, 0}};
    syscall(SYS_timerfd_settime, timer, 0, &later, NULL);
    syscall(SYS_close, timer);
}

static void events(void) {
    int pipes[2];
    syscall(SYS_pipe2, pipes, O_CLOEXEC);
    int event = syscall(SYS_eventfd2, 0, EFD_NONBLOCK);
    struct pollfd polled[2] = {{pipes[0], POLLIN, 0}, {pipes[1], POLLOUT, 0}};
    syscall(SYS_poll, polled, 2, 1000);
    syscall(SYS_poll, polled, 1, 0);
    fd_set reading;
    FD_ZERO(&reading);
    FD_SET(pipes[0], &reading);
    struct timeval none = {0, 0};
    syscall(SYS_select, pipes[0] + 1, &reading, NULL, NULL, &none);
    int epoll = syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
    struct epoll_event wanted = {EPOLLIN | EPOLLET, {.u64 = 0x100000007}};
    syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, event, &wanted);
    struct epoll_event found[4];
    syscall(SYS_epoll_wait, epoll, found, 4, 0);
    uint64_t one = 1;
    syscall(SYS_write, event, &one, 8);
    syscall(SYS_epoll_wait, epoll, found, 4, -1);
    syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, event, &wanted);
    int ready = 0;
    syscall(SYS_ioctl, pipes[0], FIONREAD, &ready);
    syscall(SYS_dup2, pipes[0], 30);
}

int main(void) {
    syscall(SYS_access, "/begin", F_OK);
    files();
    memory();
    times();
    events();
    syscall(SYS_access, "/end", F_OK);
    return 3;
}
