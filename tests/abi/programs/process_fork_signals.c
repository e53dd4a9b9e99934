/* fork(2): of signals and timers, what the child inherits and what it does not. */
#include "process.h"
#include <sys/time.h>
#include <time.h>

static volatile int handled;
static char space[32768];
static timer_t timer;

static void on_signal(int signal)
{
    (void)signal;
    handled++;
}

static int inherits(void)
{
    sigset_t set;
    struct sigaction action;
    struct itimerval left;
    struct itimerspec spec;
    stack_t stack;
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("blocked: USR1 %d, USR2 %d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2));
    sigpending(&set);
    SHOW(sigisemptyset(&set));
    sigaction(SIGUSR2, NULL, &action);
    CHECK(action.sa_handler == on_signal && (action.sa_flags & SA_NODEFER));
    sigaction(SIGHUP, NULL, &action);
    CHECK(action.sa_handler == SIG_IGN);
    sigaltstack(NULL, &stack);
    CHECK(stack.ss_sp == space && stack.ss_size == sizeof space && stack.ss_flags == 0);
    getitimer(ITIMER_REAL, &left);
    CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_usec == 0);
    SHOW(alarm(0));
    SHOW(timer_gettime(timer, &spec));
    raise(SIGUSR2);
    SHOW(handled);
    signal(SIGUSR2, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    return 0;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_NODEFER};
    struct itimerval long_time = {{0, 0}, {1000, 0}}, left;
    stack_t stack = {.ss_sp = space, .ss_size = sizeof space};
    sigset_t set;
    sigaction(SIGUSR2, &action, NULL);
    signal(SIGUSR1, on_signal);
    signal(SIGHUP, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    MUST(sigaltstack(&stack, NULL));
    MUST(setitimer(ITIMER_REAL, &long_time, NULL));
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
    run("inherits", inherits);
    SHOW(handled); /* the child's handling was its own */
    sigpending(&set);
    SHOW(sigismember(&set, SIGUSR1));
    sigaction(SIGUSR2, NULL, &action);
    CHECK(action.sa_handler == on_signal);
    getitimer(ITIMER_REAL, &left);
    CHECK(left.it_value.tv_sec > 900);
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("blocked: USR1 %d, USR2 %d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2));
    MUST(timer_delete(timer));
    return 0;
}
