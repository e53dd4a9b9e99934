/* setsid(2), getsid(2), credentials(7): sessions, and what a daemon does to be one. */
#include "process.h"

static pid_t first;
static int report[2];

static int makes_a_session(void)
{
    pid_t old = getsid(0);
    CHECK(setsid() == getpid());
    CHECK(getsid(0) == getpid() && getpgrp() == getpid() && old != getpid());
    SHOW(setsid());
    CHECK(getsid(getppid()) == old);
    SHOW(getsid(1 << 28));
    SHOW(getsid(-1));
    return 0;
}

static int leads_a_group(void)
{
    MUST(setpgid(0, 0));
    SHOW(setsid());
    return 0;
}

static int child_of_a_session(void)
{
    CHECK(getsid(0) == getppid() && getpgrp() == getppid());
    SHOW(setpgid(0, 0));
    CHECK(getsid(0) == getppid() && getpgrp() == getpid());
    return 4;
}

static int session_with_a_child(void)
{
    MUST(setsid());
    run("child of a session", child_of_a_session);
    return 0;
}

static int becomes_daemon(void)
{
    if (setsid() < 0)
        return 1;
    pid_t pid = fork();
    if (pid != 0)
        return pid < 0;
    while (getppid() != first) /* the session's leader ends, and the reaper takes over */
        sleep_ms(2);
    umask(0);
    MUST(chdir("/"));
    int null = open("/dev/null", O_RDWR);
    int is_own = getsid(0) != getsid(first) && getpgrp() != getpid() && setsid() > 0 && null >= 0;
    pid_t facts[2] = {getpid(), is_own};
    write(report[1], facts, sizeof facts);
    return 7;
}

int main(void)
{
    pid_t facts[2];
    first = getpid();
    MUST(pipe(report));
    run("makes a session", makes_a_session);
    run("leads a group", leads_a_group);
    run("a session with a child", session_with_a_child);
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
    run("parent of the daemon", becomes_daemon);
    MUST(read(report[0], facts, sizeof facts));
    printf("daemon: %d\n", facts[1]);
    reap("daemon", facts[0]);
    close(report[0]);
    close(report[1]);
    return 0;
}
