/* prctl(2) PR_SET_PDEATHSIG: a signal when the parent ends. */
#include "process.h"

static int report[2];
static struct gate ready;

static int wants_to_know(void)
{
    sigset_t set;
    int signal = -1, death = -1;
    siginfo_t info;
    SHOW(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    SHOW(prctl(PR_GET_PDEATHSIG, &death));
    SHOW(death);
    SHOW(prctl(PR_SET_PDEATHSIG, 65));
    SHOW(prctl(PR_SET_PDEATHSIG, -1));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t parent = getppid();
    open_gate(ready);
    signal = sigwaitinfo(&set, &info);
    int facts[3] = {getpid(), signal, info.si_pid == parent};
    write(report[1], facts, sizeof facts);
    return 5;
}

static int is_not_inherited(void)
{
    int death = -1;
    prctl(PR_GET_PDEATHSIG, &death);
    return death;
}

static int leaves(void)
{
    prctl(PR_SET_PDEATHSIG, SIGHUP);
    run("not inherited", is_not_inherited);
    child(wants_to_know);
    pass_gate(ready);
    return 1;
}

static int dies_with_its_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pid_t id = getpid();
    write(report[1], &id, sizeof id);
    open_gate(ready);
    return waits_for_ever();
}

static int leaves_one_to_die(void)
{
    child(dies_with_its_parent);
    pass_gate(ready);
    return 2;
}

int main(void)
{
    int facts[3];
    pid_t pid;
    ready = new_gate();
    MUST(pipe(report));
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
    run("parent", leaves);
    MUST(read(report[0], facts, sizeof facts));
    printf("signal %d, sent by the parent: %d\n", facts[1], facts[2]);
    reap("orphan", facts[0]);
    run("parent", leaves_one_to_die);
    MUST(read(report[0], &pid, sizeof pid));
    reap("killed with its parent", pid);
    close_gate(ready);
    close(report[0]);
    close(report[1]);
    return 0;
}
