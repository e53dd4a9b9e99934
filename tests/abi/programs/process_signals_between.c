/* sigqueue(3), kill(2), tgkill(2): what one process tells another with a signal, and who it says sent. */
#include "process.h"

static sigset_t set;
static struct gate ready;
static pid_t parent;

static void take(pid_t from)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    SHOW(sigwaitinfo(&set, &info));
    const char *how = info.si_code == SI_USER    ? "SI_USER"
                      : info.si_code == SI_QUEUE ? "SI_QUEUE"
                      : info.si_code == SI_TKILL ? "SI_TKILL"
                                                 : "?";
    int value = info.si_code == SI_QUEUE ? info.si_value.sival_int : 0;
    printf("%s, value %d, sender %d, user %d\n", how, value, info.si_pid == from, (int)info.si_uid);
}

static int sends(void)
{
    MUST(kill(parent, SIGUSR1));
    MUST(sigqueue(parent, SIGUSR2, (union sigval){.sival_int = 5}));
    MUST(setresuid(54321, 54321, 0));
    SHOW(sigqueue(parent, SIGHUP, (union sigval){.sival_int = 6}));
    MUST(setresuid(54321, 0, 0));
    for (int i = 0; i < 3; i++)
        MUST(sigqueue(parent, SIGRTMIN, (union sigval){.sival_int = 10 + i}));
    MUST(tgkill(parent, parent, SIGTERM));
    return 0;
}

static int receives(void)
{
    pass_gate(ready); /* both are pending by now: their order is no race */
    take(parent);
    take(parent);
    return 0;
}

static int forges(void)
{
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_USER};
    SHOW(syscall(SYS_rt_sigqueueinfo, parent, SIGUSR1, &info));
    info.si_code = SI_TKILL;
    SHOW(syscall(SYS_rt_sigqueueinfo, parent, SIGUSR1, &info));
    info.si_code = 128; /* the kernel's own */
    SHOW(syscall(SYS_rt_sigqueueinfo, parent, SIGUSR1, &info));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, parent, parent, SIGUSR1, &info));
    SHOW(syscall(SYS_rt_sigqueueinfo, 1 << 28, SIGUSR1, &info));
    info.si_code = SI_QUEUE;
    SHOW(syscall(SYS_rt_sigqueueinfo, 1 << 28, SIGUSR1, &info));
    SHOW(syscall(SYS_rt_sigqueueinfo, parent, 0, &info));
    SHOW(syscall(SYS_rt_sigqueueinfo, parent, 65, &info));
    SHOW(syscall(SYS_rt_sigqueueinfo, parent, SIGUSR1, NULL));
    return 0;
}

int main(void)
{
    const int used[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGTERM, SIGRTMIN};
    parent = getpid();
    ready = new_gate();
    sigemptyset(&set);
    for (int i = 0; i < 5; i++)
        sigaddset(&set, used[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t pid = child(sends);
    reap("sends", pid); /* its signals outlive it; standard ones come lowest first */
    for (int i = 0; i < 6; i++)
        take(pid);
    pid = child(receives);
    MUST(sigqueue(pid, SIGRTMIN, (union sigval){.sival_int = -1}));
    MUST(kill(pid, SIGTERM));
    open_gate(ready);
    reap("receives", pid);
    run("forges", forges);
    sigpending(&set);
    SHOW(sigisemptyset(&set));
    close_gate(ready);
    return 0;
}
