/* clone(2): the signal of a child's end is not always the one that was asked for: a sibling's is its
 * maker's (CLONE_PARENT), and an heir is told by SIGCHLD (prctl(2) PR_SET_CHILD_SUBREAPER). */
#include "process.h"

static volatile sig_atomic_t asked_for, usual;

static void on_signal(int signal)
{
    if (signal == SIGUSR1)
        asked_for++;
    else
        usual++;
}

/* Nothing here may use the stack of a thread: as fork(2), with another signal. */
static pid_t clone_with(unsigned long flags)
{
    return syscall(SYS_clone, flags, 0, 0, 0, 0);
}

static int makes_a_sibling(void)
{
    pid_t pid = clone_with(CLONE_PARENT | SIGUSR1);
    MUST(pid);
    return 0;
}

static int leaves_a_child(void)
{
    int ends[2];
    char byte;
    MUST(pipe(ends));
    pid_t pid = clone_with(SIGUSR1);
    MUST(pid);
    close(ends[1]);
    if (pid == 0)
        read(ends[0], &byte, 1); /* until its parent has ended */
    return 0;
}

static void reap_two(const char *how, int (*body)(void))
{
    asked_for = usual = 0;
    child(body);
    for (int left = 2; left > 0;)
        left -= waitpid(-1, NULL, __WALL) > 0;
    printf("%s: SIGUSR1 %d, SIGCHLD %s\n", how, asked_for, usual > 0 ? "yes" : "no");
}

int main(void)
{
    signal(SIGUSR1, on_signal);
    signal(SIGCHLD, on_signal);
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
    reap_two("a sibling", makes_a_sibling);
    reap_two("an orphan", leaves_a_child);
    return 0;
}
