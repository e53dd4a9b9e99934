/* EFAULT: every call that takes a pointer is given bad ones of each kind, and the kernel goes on. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int file, pipe_out, pipe_in, ep;

typedef long call(long bad);
#define CALL(name, expression) \
    static long name(long bad) { return (long)(expression); }

CALL(c_open, syscall(SYS_openat, AT_FDCWD, bad, O_RDONLY))
CALL(c_stat, syscall(SYS_newfstatat, AT_FDCWD, bad, bad, 0))
CALL(c_fstat, syscall(SYS_fstat, file, bad))
CALL(c_read, (lseek(file, 0, SEEK_SET), syscall(SYS_read, file, bad, 16)))
CALL(c_write, syscall(SYS_write, file, bad, 16))
CALL(c_pread, syscall(SYS_pread64, file, bad, 16, 0))
CALL(c_readv, syscall(SYS_readv, file, bad, 1))
CALL(c_writev, syscall(SYS_writev, file, bad, 1))
CALL(c_pipe_write, syscall(SYS_write, pipe_out, bad, 16))
CALL(c_pipe, syscall(SYS_pipe2, bad, 0))
CALL(c_poll, syscall(SYS_poll, bad, 1, 0))
CALL(c_select, syscall(SYS_select, 4, bad, 0, 0, 0))
CALL(c_epoll_ctl, syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, pipe_in, bad))
CALL(c_getcwd, syscall(SYS_getcwd, bad, 4096))
CALL(c_chdir, syscall(SYS_chdir, bad))
CALL(c_mkdir, syscall(SYS_mkdir, bad, 0700))
CALL(c_unlink, syscall(SYS_unlink, bad))
CALL(c_rename, syscall(SYS_rename, "f", bad))
CALL(c_readlink, syscall(SYS_readlink, bad, bad, 10))
CALL(c_symlink, syscall(SYS_symlink, bad, "x"))
CALL(c_statfs, syscall(SYS_statfs, "/", bad))
CALL(c_statx, syscall(SYS_statx, AT_FDCWD, "/", 0, 0x7ff, bad))
CALL(c_uname, syscall(SYS_uname, bad))
CALL(c_clock, syscall(SYS_clock_gettime, 1, bad))
CALL(c_nanosleep, syscall(SYS_nanosleep, bad, 0))
CALL(c_sigaction_new, syscall(SYS_rt_sigaction, SIGUSR1, bad, 0, 8))
CALL(c_sigaction_old, syscall(SYS_rt_sigaction, SIGUSR1, 0, bad, 8))
CALL(c_sigprocmask, syscall(SYS_rt_sigprocmask, SIG_BLOCK, bad, 0, 8))
CALL(c_sigpending, syscall(SYS_rt_sigpending, bad, 8))
CALL(c_futex, syscall(SYS_futex, bad, 0, 0, 0, 0, 0))
CALL(c_getrlimit, syscall(SYS_prlimit64, 0, 7, 0, bad))
CALL(c_setrlimit, syscall(SYS_prlimit64, 0, 7, bad, 0))
CALL(c_getrusage, syscall(SYS_getrusage, 0, bad))
CALL(c_sysinfo, syscall(SYS_sysinfo, bad))
CALL(c_getrandom, syscall(SYS_getrandom, bad, 16, 0))
CALL(c_setgroups, syscall(SYS_setgroups, 2, bad))
CALL(c_getresuid, syscall(SYS_getresuid, bad, bad, bad))
CALL(c_affinity, syscall(SYS_sched_getaffinity, 0, 128, bad))
CALL(c_itimer, syscall(SYS_setitimer, 0, bad, 0))
CALL(c_timerfd, syscall(SYS_timer_create, 1, bad, bad))
CALL(c_utimensat, syscall(SYS_utimensat, AT_FDCWD, "f", bad, 0))
CALL(c_mincore, syscall(SYS_mincore, (long)&file & ~4095L, 4096, bad))
CALL(c_ioctl, syscall(SYS_ioctl, pipe_in, 0x541b, bad))
CALL(c_socketpair, syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, bad))

static const struct {
    const char *name;
    call *make;
} calls[] = {
#define ROW(name) {#name, name}
    ROW(c_open), ROW(c_stat), ROW(c_fstat), ROW(c_read), ROW(c_write), ROW(c_pread), ROW(c_readv),
    ROW(c_writev), ROW(c_pipe_write), ROW(c_pipe), ROW(c_poll), ROW(c_select), ROW(c_epoll_ctl),
    ROW(c_getcwd), ROW(c_chdir), ROW(c_mkdir), ROW(c_unlink), ROW(c_rename), ROW(c_readlink),
    ROW(c_symlink), ROW(c_statfs), ROW(c_statx), ROW(c_uname), ROW(c_clock), ROW(c_nanosleep),
    ROW(c_sigaction_new), ROW(c_sigaction_old), ROW(c_sigprocmask), ROW(c_sigpending), ROW(c_futex),
    ROW(c_getrlimit), ROW(c_setrlimit), ROW(c_getrusage), ROW(c_sysinfo), ROW(c_getrandom),
    ROW(c_setgroups), ROW(c_getresuid), ROW(c_affinity), ROW(c_itimer), ROW(c_timerfd),
    ROW(c_utimensat), ROW(c_mincore), ROW(c_ioctl), ROW(c_socketpair),
};

int main(void)
{
    int fds[2];
    file = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
    write(file, "0123456789abcdef0123456789", 26);
    MUST(pipe(fds));
    pipe_in = fds[0];
    pipe_out = fds[1];
    ep = epoll_create1(0);
    /* The middle page is unmapped: addresses that end in it straddle. */
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(pages, 'y', 4096);
    munmap(pages + 4096, 4096);
    struct {
        const char *name;
        unsigned long address;
    } bad[] = {
        {"low", 8},
        {"unmapped", (unsigned long)pages + 4096},
        {"kernel", 0xffffffff80100000},
        {"direct map", 0xffff800000100000},
        {"not canonical", 0x0000900000000000},
        {"last page", 0xfffffffffffff000},
    };
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        printf("%s:", calls[i].name + 2);
        for (unsigned j = 0; j < sizeof bad / sizeof *bad; j++) {
            errno = 0;
            long r = calls[i].make(bad[j].address);
            printf(" %s", r == -1 ? strerrorname_np(errno) : "done");
        }
        printf("\n");
    }
    /* A buffer that ends in nothing: what comes before it is transferred, or the call fails whole. */
    unsigned long edge = (unsigned long)pages + 4096 - 8;
    SHOW(pwrite(file, (char *)edge, 8, 0));
    SHOW(pread(file, (char *)edge, 8, 0));
    SHOW(syscall(SYS_uname, edge));
    SHOW(syscall(SYS_getrandom, edge, 8, 0));
    memset((void *)edge, 'x', 8); /* no NUL among them */
    SHOW(open((char *)edge, O_RDONLY));
    struct iovec vector[2] = {{"ab", 2}, {(char *)8, 4}};
    SHOW(writev(pipe_out, vector, 2));
    /* Read-only memory as a destination. */
    mprotect(pages, 4096, PROT_READ);
    SHOW(pread(file, pages, 8, 0));
    SHOW(syscall(SYS_clock_gettime, 1, pages));
    SHOW(pwrite(file, pages, 8, 0));
    munmap(pages, 3 * 4096);
    close(file);
    close(pipe_in);
    close(pipe_out);
    close(ep);
    unlink("f");
    return 0;
}
