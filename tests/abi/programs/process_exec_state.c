/* execve(2) § Effect on process attributes, signal(7): what is kept and what is not. */
#include "process.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static void handler(int signal)
{
    (void)signal;
}

static const char *disposition(int signal)
{
    struct sigaction action;
    sigaction(signal, NULL, &action);
    return action.sa_handler == SIG_DFL   ? "default"
           : action.sa_handler == SIG_IGN ? "ignored"
                                          : "handled";
}

static int has(int how, int signal)
{
    sigset_t set;
    if (how)
        sigpending(&set);
    else
        sigprocmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, signal);
}

static int executed(void)
{
    struct itimerval timer;
    stack_t stack;
    char comm[17] = {0}, cwd[256];
    printf("USR1 %s, USR2 %s, CHLD %s\n", disposition(SIGUSR1), disposition(SIGUSR2),
           disposition(SIGCHLD));
    printf("blocked: HUP %d, INT %d; pending: HUP %d, INT %d\n", has(0, SIGHUP), has(0, SIGINT),
           has(1, SIGHUP), has(1, SIGINT));
    getitimer(ITIMER_REAL, &timer);
    CHECK(timer.it_value.tv_sec > 500);
    sigaltstack(NULL, &stack);
    CHECK(stack.ss_flags == SS_DISABLE);
    prctl(PR_GET_NAME, comm);
    printf("name: %s\n", comm);
    CHECK(umask(0) == 051);
    CHECK(getcwd(cwd, sizeof cwd) && !strcmp(strrchr(cwd, '/'), "/inside"));
    SHOW(syscall(SYS_timer_gettime, 0, &(struct itimerspec){0}));
    int death = -1;
    prctl(PR_GET_PDEATHSIG, &death);
    SHOW(death);
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    sigset_t pending;
    siginfo_t info;
    sigemptyset(&pending);
    sigaddset(&pending, SIGHUP);
    CHECK(sigwaitinfo(&pending, &info) == SIGHUP && info.si_value.sival_int == 77);
    return 6;
}

static int prepares(void)
{
    static char space[8192 * 4];
    stack_t stack = {.ss_sp = space, .ss_size = sizeof space};
    struct itimerval timer = {{0, 0}, {1000, 0}};
    timer_t id;
    sigset_t set;
    const char *path = own_path();
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigqueue(getpid(), SIGHUP, (union sigval){.sival_int = 77});
    setitimer(ITIMER_REAL, &timer, NULL);
    MUST(sigaltstack(&stack, NULL));
    prctl(PR_SET_NAME, "another name");
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_PDEATHSIG, SIGUSR2);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    umask(051);
    MUST(mkdir("inside", 0777));
    MUST(chdir("inside"));
    MUST(timer_create(CLOCK_MONOTONIC, NULL, &id));
    execl(path, path, "executed", (char *)NULL);
    return 1;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return executed();
    run("executed", prepares);
    SHOW(rmdir("inside"));
    return 0;
}
