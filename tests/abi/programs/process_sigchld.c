/* sigaction(2) § SIGCHLD: its siginfo, one signal for several ends, SA_NOCLDWAIT and SIG_IGN. */
#include "process.h"

static volatile int count, code, status, user;
static volatile pid_t sender;

static void on_chld(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    count++;
    code = info->si_code;
    status = info->si_status;
    sender = info->si_pid;
    user = info->si_uid;
}

static int exits_3(void)
{
    return 3;
}

static int is_killed(void)
{
    raise(SIGKILL);
    return 0;
}

static void handle(int flags)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART | flags};
    action.sa_sigaction = on_chld;
    sigaction(SIGCHLD, &action, NULL);
    count = code = status = 0;
}

int main(void)
{
    sigset_t chld;
    siginfo_t info;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);

    handle(0);
    pid_t pid = child(exits_3);
    reap("exits", pid);
    CHECK(count == 1 && code == CLD_EXITED && status == 3 && sender == pid && user == 0);
    pid = child(is_killed);
    reap("is killed", pid);
    CHECK(count == 2 && code == CLD_KILLED && status == SIGKILL && sender == pid);

    sigprocmask(SIG_BLOCK, &chld, NULL);
    count = 0;
    pid_t first = child(exits_3), second = child(exits_3);
    CHECK(comes_to(first, 'Z') && comes_to(second, 'Z'));
    sigprocmask(SIG_UNBLOCK, &chld, NULL);
    printf("two ends while blocked: told %d time\n", count);
    reap("first", first);
    reap("second", second);

    sigprocmask(SIG_BLOCK, &chld, NULL);
    signal(SIGCHLD, SIG_DFL);
    pid = child(exits_3);
    CHECK(sigwaitinfo(&chld, &info) == SIGCHLD && info.si_pid == pid && info.si_status == 3);
    reap("waited for by its signal", pid);
    sigprocmask(SIG_UNBLOCK, &chld, NULL);

    signal(SIGCHLD, SIG_IGN);
    pid = child(exits_3);
    SHOW(waitpid(pid, NULL, 0)); /* returns when the child has ended, with nothing to tell */
    SHOW(kill(pid, 0));

    handle(SA_NOCLDWAIT);
    pid = child(exits_3);
    SHOW(waitpid(pid, NULL, 0));
    CHECK(count == 1 && sender == pid);
    SHOW(wait(NULL));

    signal(SIGCHLD, SIG_DFL);
    run("with the default", exits_3);
    return 0;
}
