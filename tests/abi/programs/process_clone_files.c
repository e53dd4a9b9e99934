/* clone(2) CLONE_FILES and CLONE_FS: tables of descriptors, working directory and umask in common. */
#include "process.h"
#include <linux/close_range.h>

static char stack[65536] __attribute__((aligned(16)));

static int changes_files(void *arg)
{
    int *fds = arg;
    close(fds[0]);
    MUST(dup2(1, 33));
    MUST(fcntl(fds[1], F_SETFD, FD_CLOEXEC));
    return 0;
}

static int changes_directory(void *arg)
{
    (void)arg;
    MUST(chdir("inside"));
    umask(0123);
    return 0;
}

static void with(const char *what, int flags)
{
    int fds[2];
    char here[300], before[300];
    MUST(pipe(fds));
    umask(022);
    getcwd(before, sizeof before);
    printf("%s\n", what);
    reap("files", clone(changes_files, stack + sizeof stack, flags | SIGCHLD, fds));
    printf("closed %d, opened %d, flag set %d\n", fcntl(fds[0], F_GETFD) < 0,
           fcntl(33, F_GETFD) >= 0, fcntl(fds[1], F_GETFD) == 1);
    reap("directory", clone(changes_directory, stack + sizeof stack, flags | SIGCHLD, NULL));
    getcwd(here, sizeof here);
    printf("moved %d, umask %o\n", strcmp(here, before) != 0, umask(022));
    MUST(chdir(before));
    close(fds[0]);
    close(fds[1]);
    close(33);
}

static int closes_range(void *arg)
{
    int *fds = arg;
    SHOW(syscall(SYS_close_range, fds[0], fds[1], CLOSE_RANGE_UNSHARE));
    SHOW(fcntl(fds[0], F_GETFD));
    fflush(stdout);
    return 0;
}

static void unshared(void)
{
    int fds[2];
    MUST(pipe(fds));
    fflush(stdout);
    reap("close_range", clone(closes_range, stack + sizeof stack, CLONE_FILES | SIGCHLD, fds));
    SHOW(fcntl(fds[0], F_GETFD));
    SHOW(fcntl(fds[1], F_GETFD));
    close(fds[0]);
    close(fds[1]);
}

static int executed(void)
{
    return fcntl(34, F_GETFD) == -1 ? 0 : 1;
}

static int executes(void *arg)
{
    (void)arg;
    MUST(dup3(1, 34, O_CLOEXEC));
    become("executed");
    return 1;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return executed();
    unshared();
    MUST(mkdir("inside", 0777));
    with("neither", 0);
    with("CLONE_FILES", CLONE_FILES);
    with("CLONE_FS", CLONE_FS);
    with("both", CLONE_FILES | CLONE_FS);
    /* execve(2) gives the executed process a table of its own */
    reap("executes", clone(executes, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL));
    SHOW(fcntl(34, F_GETFD));
    close(34);
    SHOW(rmdir("inside"));
    return 0;
}
