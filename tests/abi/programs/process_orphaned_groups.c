/* _exit(2), setpgid(2): a group that nobody outside of it looks after is hung up and goes on when
 * some of it are stopped, and is not stopped by what a terminal sends. */
#include "check.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static volatile int hung_up, continued;

static void on(int signal)
{
    if (signal == SIGHUP)
        hung_up = 1;
    else
        continued = 1;
}

/* Stopped when its parent, the only tie of its group to the session, ends. */
static void be_left(void)
{
    signal(SIGHUP, on);
    signal(SIGCONT, on);
    raise(SIGSTOP);
    sleep_ms(20);
    printf("hung up %d, continued %d\n", hung_up, continued);
    fflush(stdout);
    _exit(7);
}

static void leave_a_stopped_child(int to)
{
    setpgid(0, 0);
    pid_t child = fork();
    if (child == 0)
        be_left();
    int status;
    waitpid(child, &status, WUNTRACED);
    printf("stopped %d\n", WIFSTOPPED(status));
    fflush(stdout);
    write(to, &child, sizeof child);
    _exit(0);
}

static void becomes_an_orphan(void)
{
    int fds[2], status = 0;
    MUST(pipe(fds));
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
    fflush(stdout);
    pid_t leader = fork();
    if (leader == 0) {
        setsid();
        pid_t middle = fork();
        if (middle == 0)
            leave_a_stopped_child(fds[1]);
        waitpid(middle, &status, 0);
        sleep_ms(200);
        _exit(0);
    }
    pid_t left;
    read(fds[0], &left, sizeof left);
    waitpid(leader, &status, 0);
    pid_t ended = waitpid(left, &status, WNOHANG);
    printf("ended by itself %d, status %x\n", ended == left, status);
    if (ended != left) {
        kill(left, SIGKILL);
        waitpid(left, &status, 0);
    }
}

static void is_not_stopped(int number)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setsid();
        raise(number);
        _exit(0);
    }
    waitpid(child, &status, WUNTRACED);
    printf("SIG%s: exited %d, stopped %d\n", sigabbrev_np(number), WIFEXITED(status),
           WIFSTOPPED(status));
    if (WIFSTOPPED(status)) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
}

int main(void)
{
    becomes_an_orphan();
    is_not_stopped(SIGTSTP);
    is_not_stopped(SIGTTIN);
    is_not_stopped(SIGTTOU);
    is_not_stopped(SIGSTOP);
    return 0;
}
