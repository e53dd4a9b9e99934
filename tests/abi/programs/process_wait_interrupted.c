/* signal(7), wait(2): signals while waiting for a child, with SA_RESTART and without. */
#include "process.h"
#include <poll.h>

static volatile int handled;
static struct gate go;
static pid_t parent;

static void on_usr1(int signal)
{
    (void)signal;
    handled++;
}

static int disturbs(void)
{
    sleep_ms(20);
    kill(parent, SIGUSR1);
    pass_gate(go);
    return 5;
}

static int disturbs_and_exits(void)
{
    sleep_ms(20);
    kill(parent, SIGUSR1);
    sleep_ms(20);
    return 6;
}

static void begin(int flags)
{
    struct sigaction action = {.sa_handler = on_usr1, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    handled = 0;
}

int main(void)
{
    siginfo_t info;
    int status;
    parent = getpid();
    go = new_gate();
    begin(0);
    pid_t pid = child(disturbs);
    SHOW(waitpid(pid, &status, 0));
    SHOW(handled);
    open_gate(go);
    reap("disturbs", pid);

    begin(SA_RESTART);
    pid = child(disturbs_and_exits);
    CHECK(waitpid(pid, &status, 0) == pid);
    SHOW(handled);
    show_status("disturbs and exits", status);

    begin(0);
    pid = child(disturbs);
    SHOW(waitid(P_PID, pid, &info, WEXITED));
    open_gate(go);
    reap("disturbs", pid);

    begin(SA_RESTART);
    pid = child(disturbs_and_exits);
    SHOW(waitid(P_PID, pid, &info, WEXITED));
    SHOW(info.si_status);
    SHOW(handled);

    signal(SIGCHLD, on_usr1); /* the end of a child is a signal, too */
    handled = 0;
    signal(SIGUSR1, SIG_IGN);
    pid = child(disturbs_and_exits);
    SHOW(poll(NULL, 0, 2000));
    SHOW(handled);
    reap("exits", pid);
    close_gate(go);
    return 0;
}
