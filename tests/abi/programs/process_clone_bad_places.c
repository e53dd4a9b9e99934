/* clone(2): a place for an id that cannot be written is no error; a thread pointer that is no
 * address is one (arch_prctl(2) EPERM). */
#include "check.h"
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

static void try(const char *what, long flags, void *parent_tid, void *child_tid, long pointer)
{
    fflush(stdout);
    long pid = syscall(SYS_clone, flags | SIGCHLD, 0, parent_tid, child_tid, pointer);
    if (pid == 0)
        syscall(SYS_exit_group, 3);
    printf("%s: %s\n", what, pid > 0 ? "a child" : strerrorname_np(errno));
    int status = 0;
    if (pid > 0)
        waitpid(pid, &status, 0);
    SHOW(status);
}

int main(void)
{
    void *bad = (void *)16;
    try("parent's place", CLONE_PARENT_SETTID, bad, NULL, 0);
    try("child's place", CLONE_CHILD_SETTID, NULL, bad, 0);
    try("thread pointer", CLONE_SETTLS, NULL, NULL, 1L << 62);
    return 0;
}
