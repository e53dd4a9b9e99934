/* execve(2), clone(2) CLONE_SIGHAND: a child that shares handlers and begins another program leaves
 * its parent's as they are. */
#include "check.h"
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

static volatile int seen;
static char stack[65536] __attribute__((aligned(16)));

static void on(int signal)
{
    seen++;
}

static int child(void *unused)
{
    char *words[] = {"again", "child", NULL};
    execv("/proc/self/exe", words);
    _exit(9);
}

int main(int count, char **words)
{
    (void)words;
    if (count > 1)
        return 4;
    signal(SIGUSR1, on);
    fflush(stdout);
    int flags = CLONE_VM | CLONE_VFORK | CLONE_SIGHAND | SIGCHLD, status;
    pid_t pid = clone(child, stack + sizeof stack, flags, NULL);
    CHECK(waitpid(pid, &status, 0) == pid);
    SHOW(status);
    struct sigaction action;
    sigaction(SIGUSR1, NULL, &action);
    CHECK(action.sa_handler == on);
    if (action.sa_handler == on)
        raise(SIGUSR1);
    SHOW(seen);
    return 0;
}
