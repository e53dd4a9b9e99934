/* sigaction(2): each SA_* flag, the mask while a handler runs, what is kept, and the errors. */
#include "check.h"
#include <signal.h>

static volatile int runs, depth, deepest, blocked_own, blocked_other, blocked_hup;

static void look(int signal)
{
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    blocked_own = sigismember(&mask, signal);
    blocked_other = sigismember(&mask, SIGUSR2);
    blocked_hup = sigismember(&mask, SIGHUP);
    runs++;
}

static void again(int signal)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (++runs < 3)
        raise(signal);
    depth--;
}

static void changes_mask(int signal)
{
    sigset_t set;
    (void)signal;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL); /* undone on return */
}

static void handle(void (*handler)(int), int flags, int other)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    if (other)
        sigaddset(&action.sa_mask, other);
    MUST(sigaction(SIGUSR1, &action, NULL));
    runs = depth = deepest = 0;
}

static void show_mask(const char *when)
{
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("%s: blocked USR1 %d, USR2 %d, TERM %d\n", when, sigismember(&mask, SIGUSR1),
           sigismember(&mask, SIGUSR2), sigismember(&mask, SIGTERM));
}

int main(void)
{
    struct sigaction old, action = {.sa_handler = look};
    handle(look, 0, SIGUSR2);
    raise(SIGUSR1);
    printf("ran %d, own %d, other %d, HUP %d\n", runs, blocked_own, blocked_other, blocked_hup);
    show_mask("after");
    handle(look, SA_NODEFER, 0);
    raise(SIGUSR1);
    printf("SA_NODEFER: own %d, other %d\n", blocked_own, blocked_other);
    handle(look, SA_NODEFER, SIGUSR1); /* named in the mask all the same */
    raise(SIGUSR1);
    printf("SA_NODEFER and in the mask: own %d\n", blocked_own);
    handle(again, 0, 0);
    raise(SIGUSR1);
    printf("deferred: ran %d, %d deep\n", runs, deepest);
    handle(again, SA_NODEFER, 0);
    raise(SIGUSR1);
    printf("not deferred: ran %d, %d deep\n", runs, deepest);
    handle(changes_mask, 0, 0);
    raise(SIGUSR1);
    show_mask("changed inside");

    handle(look, SA_RESETHAND, 0);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &old);
    printf("SA_RESETHAND: default %d, flags kept %d\n", old.sa_handler == SIG_DFL,
           (old.sa_flags & SA_RESETHAND) != 0);

    action.sa_flags = SA_RESTART | SA_NODEFER | SA_ONSTACK | SA_NOCLDSTOP;
    sigfillset(&action.sa_mask);
    MUST(sigaction(SIGUSR1, &action, NULL));
    MUST(sigaction(SIGUSR1, NULL, &old));
    CHECK(old.sa_handler == look && (old.sa_flags & ~0x04000000) == action.sa_flags);
    printf("in its mask: KILL %d, STOP %d, HUP %d\n", sigismember(&old.sa_mask, SIGKILL),
           sigismember(&old.sa_mask, SIGSTOP), sigismember(&old.sa_mask, SIGHUP));
    SHOW(sigaction(SIGKILL, &action, NULL));
    SHOW(sigaction(SIGSTOP, &action, NULL));
    SHOW(sigaction(SIGKILL, NULL, &old));
    CHECK(old.sa_handler == SIG_DFL);
    SHOW(sigaction(0, &action, NULL));
    SHOW(sigaction(65, &action, NULL));
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, 1L, NULL, 8));
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, 1L, 8));
    CHECK(signal(SIGHUP, SIG_IGN) == SIG_DFL);
    CHECK(signal(SIGHUP, look) == SIG_IGN);
    CHECK(signal(SIGHUP, SIG_DFL) == look);
    CHECK(signal(SIGKILL, SIG_IGN) == SIG_ERR && errno == EINVAL);

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN); /* takes the pending one away */
    sigpending(&set);
    SHOW(sigismember(&set, SIGUSR1));
    raise(SIGUSR1); /* ignored, but blocked: stays pending as the handler may change */
    sigpending(&set);
    SHOW(sigismember(&set, SIGUSR1));
    return 0;
}
