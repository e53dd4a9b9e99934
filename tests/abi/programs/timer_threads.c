/* timer_create(2), clock_getcpuclockid(3): SIGEV_THREAD_ID is for threads of the own process; the
 * processor time of other processes can be read. */
#include "check.h"
#include <signal.h>
#include <sys/wait.h>

static void try(int notify, int signal, int tid)
{
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = signal};
    event._sigev_un._tid = tid;
    int timer;
    long result = syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer);
    printf("notify %d: %s\n", notify, result == 0 ? "made" : strerrorname_np(errno));
}

int main(void)
{
    pid_t parent = getpid();
    fflush(stdout);
    if (fork() == 0) {
        try(SIGEV_THREAD_ID, SIGUSR1, parent);
        try(SIGEV_THREAD_ID, SIGUSR1, getpid());
        try(SIGEV_THREAD, SIGUSR1, 0);
        try(SIGEV_SIGNAL, 0, 0);
        try(77, SIGUSR1, 0);
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    clockid_t clock;
    struct timespec time;
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    SHOW(clock_getcpuclockid(child, &clock));
    SHOW(clock_gettime(clock, &time));
    kill(child, SIGKILL);
    wait(NULL);
    SHOW(clock_gettime(clock, &time));
    return 0;
}
