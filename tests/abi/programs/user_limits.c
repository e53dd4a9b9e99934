/* getrlimit(2) RLIMIT_NPROC and RLIMIT_SIGPENDING: what a user other than root may have. */
#include "process.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

static const uid_t user = 54377;

static void become_user(void)
{
    MUST(setresgid(user, user, user));
    MUST(setresuid(user, user, user));
}

static int ends(void)
{
    return 0;
}

static void *waits(void *gate)
{
    pass_gate(*(struct gate *)gate);
    return NULL;
}

static void limit(int resource, rlim_t soft)
{
    struct rlimit wanted = {soft, soft};
    MUST(setrlimit(resource, &wanted));
}

static int makes_processes(void)
{
    limit(RLIMIT_NPROC, 3);
    become_user();
    pid_t first = child(ends), second = child(ends); /* zombies count until they are waited for */
    SHOW(fork());
    SHOW(syscall(SYS_vfork));
    reap("first", first);
    pid_t third = fork();
    if (third == 0)
        _exit(0);
    CHECK(third > 0);
    reap("second", second);
    reap("third", third);
    return 0;
}

static int makes_threads(void)
{
    struct gate gate = new_gate();
    pthread_t threads[3];
    limit(RLIMIT_NPROC, 3);
    become_user();
    for (int i = 0; i < 3; i++)
        SHOW(pthread_create(&threads[i], NULL, waits, &gate) == (i < 2 ? 0 : EAGAIN));
    for (int i = 0; i < 2; i++)
        open_gate(gate);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

static int makes_processes_as_root(void)
{
    limit(RLIMIT_NPROC, 1);
    reap("child of root", child(ends));
    return 0;
}

static int queues_signals(void)
{
    struct timespec none = {0, 0};
    siginfo_t info;
    sigset_t set;
    limit(RLIMIT_SIGPENDING, 3);
    become_user();
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 5; i++)
        SHOW(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}));
    SHOW(kill(getpid(), SIGRTMIN + 1));
    SHOW(syscall(SYS_tgkill, getpid(), getpid(), SIGRTMIN + 2));
    SHOW(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 7}));
    SHOW(kill(getpid(), SIGUSR2));
    int signal;
    while ((signal = sigtimedwait(&set, &info, &none)) > 0)
        printf("signal %d, code %d, value %d\n", signal > 33 ? signal - SIGRTMIN : -signal,
               info.si_code, info.si_code == SI_QUEUE ? info.si_value.sival_int : -1);
    return 0;
}

int main(void)
{
    run("makes processes", makes_processes);
    run("makes threads", makes_threads);
    run("makes processes as root", makes_processes_as_root);
    run("queues signals", queues_signals);
    return 0;
}
