/* sigaction(2), SA_UNSUPPORTED: flags that there are not are not kept; and which error comes first
 * in rt_sigaction(2), kill(2) and sigprocmask(2). */
#include "check.h"
#include <signal.h>

struct kernel_action {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
};

int main(void)
{
    struct kernel_action new = {SIG_IGN, 0x400 | 0x100 | SA_RESTART, 0, ~0ul}, old;
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, &new, NULL, 8));
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, 8));
    printf("flags %lx mask %lx\n", old.flags, old.mask);
    SHOW(syscall(SYS_rt_sigaction, SIGKILL, (void *)8, NULL, 8));
    SHOW(syscall(SYS_rt_sigaction, SIGKILL, &new, NULL, 8));
    SHOW(kill(1 << 30, 65));
    SHOW(kill(getpid(), 65));
    SHOW(kill(-(1 << 30), 0));
    SHOW(kill(-2147483647 - 1, 0));
    unsigned long set = 0;
    SHOW(syscall(SYS_rt_sigprocmask, 77, NULL, &set, 8));
    SHOW(syscall(SYS_rt_sigprocmask, 77, &set, NULL, 8));
    return 0;
}
