/* clone(2) CLONE_PARENT: the new process is a sibling, the caller's parent waits for it. */
#include "process.h"

static char stack[65536] __attribute__((aligned(16)));
static int report[2];
static pid_t first;

static int sibling(void *arg)
{
    (void)arg;
    return getppid() == first ? 14 : 1;
}

static int makes_a_sibling(void)
{
    pid_t pid = clone(sibling, stack + sizeof stack, CLONE_PARENT | SIGCHLD, NULL);
    MUST(pid);
    SHOW(waitpid(pid, NULL, 0));
    write(report[1], &pid, sizeof pid);
    return 0;
}

int main(void)
{
    pid_t pid;
    first = getpid();
    MUST(pipe(report));
    run("makes a sibling", makes_a_sibling);
    MUST(read(report[0], &pid, sizeof pid));
    reap("sibling", pid);
    close(report[0]);
    close(report[1]);
    return 0;
}
