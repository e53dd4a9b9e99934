/* Signals, and death by one. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static void handle(int signal) { (void)signal; }

static void handle_with_info(int signal, siginfo_t *info, void *context) {
    (void)signal;
    (void)info;
    (void)context;
}

int main(void) {
    syscall(SYS_access, "/begin", F_OK);
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGUSR1, &action, NULL);
    action.sa_sigaction = handle_with_info;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGALRM, &action, NULL);
    struct sigaction old;
    sigaction(SIGUSR1, NULL, &old);
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &set, &before);
    kill(getpid(), SIGUSR1);
    sigpending(&set);
    sigprocmask(SIG_SETMASK, &before, NULL);
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    struct itimerval soon = {{0, 0}, {0, 20000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    pause();
    prctl(PR_SET_NAME, "renamed");
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0);
    syscall(SYS_access, "/end", F_OK);
    *(volatile int *)8 = 1;
    return 0;
}
