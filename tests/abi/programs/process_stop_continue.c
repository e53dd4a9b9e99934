/* signal(7), waitpid(2): stopping and continuing, what is seen of it, and what ends a stop. */
#include "process.h"

static volatile int chlds, last_code, conts;

static void on_chld(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    chlds++;
    last_code = info->si_code;
}

static void on_cont(int signal)
{
    (void)signal;
    conts++;
}

static int handles_cont(void)
{
    signal(SIGCONT, on_cont);
    raise(SIGSTOP);
    return 10 + conts;
}

static int ignores_tstp(void)
{
    signal(SIGTSTP, SIG_IGN);
    raise(SIGTSTP);
    return 3;
}

static int blocks_term(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGTSTP);
    raise(SIGCONT); /* takes the pending stop away */
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return 4;
}

static void wait_for(const char *what, pid_t pid, int options)
{
    int status = 0;
    CHECK(waitpid(pid, &status, options) == pid);
    show_status(what, status);
}

static void listen_to_children(int flags)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART | flags};
    action.sa_sigaction = on_chld;
    sigaction(SIGCHLD, &action, NULL);
    chlds = last_code = 0;
}

static void stop_and_go(int flags)
{
    listen_to_children(flags);
    pid_t pid = child(waits_for_ever);
    SHOW(kill(pid, SIGSTOP));
    wait_for("after SIGSTOP", pid, WUNTRACED);
    CHECK(state_of(pid) == 'T');
    printf("told %d times, CLD_STOPPED %d\n", chlds, last_code == CLD_STOPPED);
    SHOW(waitpid(pid, NULL, WUNTRACED | WNOHANG));
    SHOW(kill(pid, SIGCONT));
    wait_for("after SIGCONT", pid, WCONTINUED);
    for (int i = 0; i < 100 && chlds < 2 && !flags; i++)
        sleep_ms(2); /* the child tells of it when it runs again */
    printf("told %d times, CLD_CONTINUED %d\n", chlds, last_code == CLD_CONTINUED);
    CHECK(comes_to(pid, 'S'));
    SHOW(kill(pid, SIGKILL));
    wait_for("after SIGKILL", pid, 0);
    printf("told %d times, CLD_KILLED %d\n", chlds, last_code == CLD_KILLED);
}

static void signals_while_stopped(void)
{
    pid_t pid = child(waits_for_ever);
    kill(pid, SIGSTOP);
    wait_for("stopped", pid, WUNTRACED);
    SHOW(kill(pid, SIGTERM)); /* pending until it goes on */
    sleep_ms(20);
    CHECK(state_of(pid) == 'T');
    SHOW(waitpid(pid, NULL, WNOHANG));
    SHOW(kill(pid, SIGCONT));
    wait_for("terminated on going on", pid, 0);
    pid = child(waits_for_ever);
    kill(pid, SIGSTOP);
    wait_for("stopped", pid, WUNTRACED);
    SHOW(kill(pid, SIGKILL)); /* does not wait for SIGCONT */
    wait_for("killed in its stop", pid, 0);
}

int main(void)
{
    stop_and_go(0);
    stop_and_go(SA_NOCLDSTOP);
    signal(SIGCHLD, SIG_DFL);
    signals_while_stopped();
    pid_t pid = child(handles_cont);
    wait_for("stopped itself", pid, WUNTRACED);
    SHOW(kill(pid, SIGCONT));
    wait_for("its handler ran", pid, 0);
    run("ignores SIGTSTP", ignores_tstp);
    run("SIGCONT removes a pending stop", blocks_term);
    return 0;
}
