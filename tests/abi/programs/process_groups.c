/* setpgid(2), getpgid(2), kill(2), killpg(3): the rules of process groups. */
#include "process.h"

static struct gate up, go;

static int waits_for_gate(void)
{
    open_gate(up);
    pass_gate(go);
    return 0;
}

static int executed(void)
{
    open_gate((struct gate){{20, 21}});
    pass_gate((struct gate){{22, 23}});
    return 0;
}

static int executes(void)
{
    MUST(dup2(up.fds[1], 21));
    MUST(dup2(go.fds[0], 22));
    become("executed");
    return 1;
}

static int in_a_session(void)
{
    MUST(setsid());
    SHOW(setpgid(0, 0));
    SHOW(setpgid(0, getppid()));
    pid_t pid = child(waits_for_ever);
    SHOW(setpgid(pid, pid));
    CHECK(getpgid(pid) == pid);
    SHOW(setpgid(pid, getpid()));
    CHECK(getpgid(pid) == getpid());
    SHOW(setpgid(pid, 1 << 28));
    kill(pid, SIGKILL);
    reap("moved to and fro", pid);
    return 0;
}

static volatile int hups;

static void on_hup(int signal)
{
    (void)signal;
    hups++;
}

static int signals_its_group(void)
{
    MUST(setpgid(0, 0));
    signal(SIGHUP, on_hup);
    pid_t first = child(waits_for_gate), second = child(waits_for_gate);
    pass_gate(up);
    pass_gate(up);
    SHOW(kill(0, SIGHUP));
    CHECK(hups == 1);
    signal(SIGTERM, SIG_IGN);
    SHOW(kill(0, SIGTERM));
    reap("first of the group", first);
    reap("second of the group", second);
    SHOW(killpg(0, 0));
    return hups;
}

static int parent_of_session(void)
{
    MUST(setsid());
    open_gate(up);
    pass_gate(go);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return executed();
    up = new_gate();
    go = new_gate();
    CHECK(getpgid(0) == getpgrp());
    SHOW(getpgid(1 << 28));
    SHOW(getpgid(-1));
    SHOW(setpgid(0, -1));
    SHOW(setpgid(1 << 28, 0));
    SHOW(setpgid(-5, 0));

    pid_t pid = child(waits_for_gate);
    pass_gate(up);
    CHECK(getpgid(pid) == getpgrp()); /* inherited */
    SHOW(setpgid(pid, 0));
    CHECK(getpgid(pid) == pid);
    pid_t other = child(waits_for_gate);
    pass_gate(up);
    SHOW(setpgid(other, pid));
    CHECK(getpgid(other) == pid);
    SHOW(setpgid(other, getpgrp()));
    CHECK(getpgid(other) == getpgrp());
    SHOW(setpgid(other, pid));
    SHOW(kill(-pid, 0));
    open_gate(go);
    open_gate(go);
    reap("leader", pid);
    reap("member", other);
    SHOW(kill(-pid, 0));
    SHOW(killpg(pid, SIGTERM));
    SHOW(setpgid(pid, pid));

    pid = child(waits_for_ever);
    other = child(waits_for_ever);
    MUST(setpgid(pid, pid));
    MUST(setpgid(other, pid));
    kill(pid, SIGKILL);
    reap("leader", pid);
    SHOW(kill(-pid, SIGUSR1)); /* the group outlives its leader */
    reap("member", other);

    pid = child(executes);
    pass_gate(up);
    SHOW(setpgid(pid, pid)); /* too late once it has executed */
    open_gate(go);
    reap("executed", pid);

    pid = child(parent_of_session);
    pass_gate(up);
    SHOW(setpgid(pid, getpgrp()));
    CHECK(getsid(pid) == pid);
    open_gate(go);
    reap("leader of a session", pid);

    run("in a session", in_a_session);
    run("signals its group", signals_its_group);
    close_gate(up);
    close_gate(go);
    return 0;
}
