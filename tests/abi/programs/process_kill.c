/* kill(2): whom a signal reaches, and whom it may not. */
#include "process.h"

static struct gate ready, go;

static int other_user(void)
{
    MUST(setresuid(54321, 54321, 54321));
    open_gate(ready);
    return waits_for_ever();
}

static int as_other_user(void)
{
    pid_t parent = getppid();
    MUST(setresuid(54322, 54322, 54322));
    SHOW(kill(parent, 0));
    SHOW(kill(parent, SIGTERM));
    SHOW(kill(parent, SIGCONT)); /* of the same session: allowed */
    SHOW(kill(parent, 65));
    SHOW(kill(1 << 28, 0));
    return 0;
}

static int by_saved_id(void)
{
    MUST(setresuid(54323, 54323, 0)); /* the target's saved id counts, not its effective one */
    open_gate(ready);
    return waits_for_ever();
}

static int sends_by_saved_id(void)
{
    pid_t target = child(by_saved_id);
    pass_gate(ready);
    MUST(setresuid(54323, 54324, 54324));
    SHOW(kill(target, SIGTERM));
    reap("by the real id", target);
    return 0;
}

/* Everybody but init and the caller, as far as it may: one user's processes only. */
static int kills_all_of_a_user(void)
{
    pid_t target = child(other_user), spared;
    pass_gate(ready);
    MUST(setresuid(54321, 54321, 54321));
    if (kill(1, 0) != -1 || errno != EPERM)
        return 1; /* the machine's other processes would be hit */
    spared = getpid();
    SHOW(kill(-1, SIGUSR1));
    CHECK(spared == getpid());
    reap("one of the user's", target);
    return 0;
}

static int ignores(void)
{
    signal(SIGTERM, SIG_IGN);
    open_gate(ready);
    pass_gate(go);
    return 3;
}

int main(void)
{
    ready = new_gate();
    go = new_gate();
    SHOW(kill(getpid(), 0));
    SHOW(kill(getpid(), -1));
    SHOW(kill(getpid(), 65));
    SHOW(kill(1 << 28, 0));
    SHOW(kill(-(1 << 28), 0));
    SHOW(kill(INT32_MIN, 0));
    SHOW(tgkill(getpid(), 1 << 28, 0));
    SHOW(tgkill(1 << 28, getpid(), 0));
    SHOW(tgkill(-1, getpid(), 0));
    SHOW(syscall(SYS_tkill, 0, 0));
    pid_t pid = child(waits_for_ever);
    SHOW(tgkill(getpid(), pid, 0)); /* not one of this process's threads */
    SHOW(tgkill(pid, pid, SIGUSR2));
    reap("by tgkill", pid);
    pid = child(waits_for_ever);
    SHOW(syscall(SYS_tkill, pid, SIGALRM));
    reap("by tkill", pid);
    pid = child(ignores);
    pass_gate(ready);
    SHOW(kill(pid, SIGTERM));
    open_gate(go);
    reap("ignores", pid);
    pid = child(waits_for_ever);
    SHOW(kill(pid, 64));
    int status;
    MUST(waitpid(pid, &status, 0));
    SHOW(WTERMSIG(status));
    const int harmless[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};
    pid = child(waits_for_ever);
    for (int i = 0; i < 4; i++)
        SHOW(kill(pid, harmless[i]));
    SHOW(kill(pid, SIGQUIT));
    reap("after signals that do nothing", pid);
    run("as another user", as_other_user);
    run("with a saved id", sends_by_saved_id);
    run("kills all of a user", kills_all_of_a_user);
    close_gate(ready);
    close_gate(go);
    return 0;
}
