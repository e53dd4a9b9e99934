/* clone(2) CLONE_PIDFD: where the descriptor cannot be told there is no child, and no descriptor. */
#include "check.h"
#include <linux/sched.h>
#include <signal.h>
#include <sys/wait.h>

static long clone_to(unsigned long flags, long address)
{
    long child = syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, 0, address, 0, 0);
    if (child == 0)
        _exit(0);
    return child;
}

int main(void)
{
    SHOW(clone_to(0, 8));
    SHOW(clone_to(CLONE_FILES, 8));
    SHOW(clone_to(CLONE_FILES | CLONE_FS, -8));
    int next = dup(0);
    CHECK(next == 3);
    close(next);
    SHOW(waitpid(-1, NULL, WNOHANG));
    return 0;
}
