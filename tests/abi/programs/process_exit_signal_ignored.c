/* clone(2), wait(2): SIGCHLD that is ignored keeps no other signal from telling of an end, nor the
 * child from being waited for. */
#include "check.h"
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

static volatile int seen;

static void on(int signal)
{
    seen++;
}

int main(void)
{
    signal(SIGCHLD, SIG_IGN);
    signal(SIGUSR1, on);
    fflush(stdout);
    long pid = syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
    if (pid == 0)
        _exit(3);
    sleep_ms(50);
    SHOW(seen);
    int status = 0;
    CHECK(waitpid(pid, &status, __WALL) == pid);
    SHOW(status);
    return 0;
}
