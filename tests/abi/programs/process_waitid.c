/* waitid(2): each kind of id, each kind of end, WNOWAIT, WNOHANG, and the errors. */
#include "process.h"
#include <sys/resource.h>

static int exits_7(void)
{
    return 7;
}

static const char *code(int si_code)
{
    static const char *const names[] = {"?", "CLD_EXITED", "CLD_KILLED", "CLD_DUMPED",
                                        "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"};
    return si_code > 0 && si_code < 7 ? names[si_code] : "?";
}

static void wait_and_show(const char *what, idtype_t type, id_t id, int options, pid_t expected)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid(type, id, &info, options) == -1) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    printf("%s: %s, status %d, signal %d, the one: %d, user %d\n", what, code(info.si_code),
           info.si_status, info.si_signo, info.si_pid == expected, (int)info.si_uid);
}

int main(void)
{
    siginfo_t info;
    SHOW(waitid(P_ALL, 0, &info, WEXITED));
    SHOW(waitid(P_ALL, 0, &info, WNOHANG));
    SHOW(waitid(P_ALL, 0, &info, 0));
    SHOW(waitid(P_ALL, 0, &info, 0x100 | WEXITED));
    SHOW(waitid(99, 0, &info, WEXITED));
    SHOW(waitid(P_PID, 0, &info, WEXITED));
    SHOW(waitid(P_PID, -1, &info, WEXITED));
    SHOW(waitid(P_PGID, -1, &info, WEXITED));
    SHOW(waitid(P_PIDFD, -1, &info, WEXITED));
    SHOW(waitid(P_PIDFD, 0, &info, WEXITED));

    pid_t pid = child(exits_7);
    wait_and_show("left to be waited for", P_PID, pid, WEXITED | WNOWAIT, pid);
    wait_and_show("again", P_PID, pid, WEXITED | WNOWAIT, pid);
    wait_and_show("taken", P_PID, pid, WEXITED, pid);
    wait_and_show("gone", P_PID, pid, WEXITED, pid);

    pid = child(waits_for_ever);
    memset(&info, 0xff, sizeof info);
    SHOW(waitid(P_PID, pid, &info, WEXITED | WNOHANG));
    CHECK(info.si_pid == 0 && info.si_signo == 0);
    SHOW(kill(pid, SIGKILL));
    wait_and_show("killed", P_ALL, 0, WEXITED, pid);

    pid = child(waits_for_ever);
    SHOW(kill(pid, SIGSTOP));
    wait_and_show("stopped, left", P_PID, pid, WSTOPPED | WNOWAIT, pid);
    wait_and_show("stopped", P_PID, pid, WSTOPPED, pid);
    memset(&info, 0, sizeof info);
    SHOW(waitid(P_PID, pid, &info, WSTOPPED | WEXITED | WNOHANG));
    SHOW(info.si_pid);
    SHOW(kill(pid, SIGCONT));
    wait_and_show("continued", P_PID, pid, WCONTINUED, pid);
    SHOW(kill(pid, SIGTERM));
    wait_and_show("terminated", P_PGID, getpgrp(), WEXITED, pid);

    pid = child(exits_7);
    wait_and_show("of the caller's group", P_PGID, 0, WEXITED, pid);
    struct rusage usage;
    pid = child(exits_7);
    SHOW(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, &usage));
    pid = child(exits_7);
    SHOW(syscall(SYS_waitid, P_PID, pid, 1L, WEXITED, NULL));
    SHOW(waitid(P_PID, pid, &info, WEXITED));
    return 0;
}
