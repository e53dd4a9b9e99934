/* signal(7) § Real-time signals, sigqueue(3), sigtimedwait(2): order, values, and what is merged. */
#include "check.h"
#include <signal.h>
#include <sys/resource.h>

static volatile int order[32], values[32], count;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    if (count < 32) {
        order[count] = signal > 33 ? signal - SIGRTMIN : -signal;
        values[count++] = info->si_code == SI_QUEUE ? info->si_value.sival_int : -1;
    }
}

static void show_order(const char *when)
{
    printf("%s:", when);
    for (int i = 0; i < count; i++)
        printf(" %d=%d", order[i], values[i]);
    printf("\n");
    count = 0;
}

static void queue(int signal, int value)
{
    MUST(sigqueue(getpid(), signal, (union sigval){.sival_int = value}));
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct timespec none = {0, 0}, some = {0, 10000000}, bad = {0, -1};
    sigset_t all, two;
    siginfo_t info;
    sigfillset(&action.sa_mask);
    sigemptyset(&all);
    const int used[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGRTMIN, SIGRTMIN + 1, SIGRTMIN + 5, SIGRTMAX};
    for (int i = 0; i < 7; i++) {
        sigaction(used[i], &action, NULL);
        sigaddset(&all, used[i]);
    }
    SHOW(SIGRTMIN);
    SHOW(SIGRTMAX);
    sigprocmask(SIG_BLOCK, &all, NULL);
    queue(SIGRTMIN + 5, 1);
    queue(SIGRTMIN, 2);
    queue(SIGUSR2, 3);
    queue(SIGRTMIN, 4);
    queue(SIGUSR1, 5);
    queue(SIGUSR1, 6); /* a standard signal is pending once, with the first value */
    queue(SIGRTMIN + 1, 7);
    queue(SIGRTMIN, 8);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    show_order("each with the others blocked");

    /* without masks, the handler of the lowest is entered last and so runs first */
    for (int i = 0; i < 7; i++) {
        sigemptyset(&action.sa_mask);
        sigaction(used[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &all, NULL);
    queue(SIGUSR1, 1);
    queue(SIGUSR2, 2);
    queue(SIGRTMIN, 3);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    show_order("on top of each other");

    sigprocmask(SIG_BLOCK, &all, NULL);
    queue(SIGRTMIN, 11);
    queue(SIGRTMIN, 12);
    queue(SIGUSR1, 13);
    sigemptyset(&two);
    sigaddset(&two, SIGRTMIN);
    sigaddset(&two, SIGUSR2);
    SHOW(sigtimedwait(&two, &info, &none));
    printf("value %d, code %d, own %d\n", info.si_value.sival_int, info.si_code == SI_QUEUE,
           info.si_pid == getpid() && info.si_uid == getuid());
    SHOW(sigwaitinfo(&two, NULL));
    SHOW(sigtimedwait(&two, &info, &none));
    long before = now_ms();
    SHOW(sigtimedwait(&two, &info, &some));
    CHECK(now_ms() - before >= 9);
    SHOW(sigtimedwait(&two, &info, &bad));
    SHOW(sigtimedwait(&all, &info, NULL));
    SHOW(syscall(SYS_rt_sigtimedwait, &two, NULL, &none, 4));
    SHOW(syscall(SYS_rt_sigtimedwait, 1L, NULL, &none, 8));
    SHOW(syscall(SYS_rt_sigtimedwait, &two, NULL, 1L, 8));
    int waited = 0;
    raise(SIGUSR2);
    SHOW(sigwait(&two, &waited));
    SHOW(waited);
    for (int i = 0; i < 300; i++)
        queue(SIGRTMIN, i);
    int last = -1, in_order = 1;
    for (int i = 0; i < 300; i++) {
        if (sigtimedwait(&two, &info, &none) != SIGRTMIN)
            break;
        in_order &= info.si_value.sival_int == last + 1;
        last = info.si_value.sival_int;
    }
    SHOW(last);
    SHOW(in_order);
    SHOW(sigtimedwait(&two, &info, &none));

    /* a full queue takes no more real-time signals, and still every standard one */
    struct rlimit few = {1024, 1024};
    MUST(setrlimit(RLIMIT_SIGPENDING, &few));
    int queued = 0;
    while (queued < 5000 && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0)
        queued++;
    CHECK(queued <= 1024);
    SHOW(sigqueue(getpid(), SIGRTMIN, (union sigval){0}));
    SHOW(syscall(SYS_tgkill, getpid(), getpid(), SIGRTMIN + 1) == 0 || errno == EAGAIN);
    SHOW(kill(getpid(), SIGUSR1));
    sigpending(&all);
    SHOW(sigismember(&all, SIGUSR1));
    sigset_t first;
    sigemptyset(&first);
    sigaddset(&first, SIGUSR1);
    SHOW(sigtimedwait(&first, &info, &none));
    while (sigtimedwait(&two, &info, &none) > 0)
        ;
    return 0;
}
