/* set_tid_address(2), get_robust_list(2), gettid(2), tgkill(2): what the kernel knows of a thread. */
#include "process.h"
#include <linux/futex.h>
#include <pthread.h>

static volatile pid_t cleared = 77;
static volatile int in_handler;

static void *looks(void *arg)
{
    struct robust_list_head *head = NULL;
    size_t size = 0;
    CHECK(syscall(SYS_set_tid_address, &cleared) == gettid());
    CHECK(gettid() != getpid());
    SHOW(syscall(SYS_get_robust_list, 0, &head, &size));
    SHOW(size);
    CHECK(head != NULL);
    SHOW(syscall(SYS_get_robust_list, gettid(), &head, &size));
    SHOW(syscall(SYS_get_robust_list, 1 << 28, &head, &size));
    SHOW(syscall(SYS_get_robust_list, 0, 1L, &size));
    SHOW(syscall(SYS_set_robust_list, head, sizeof *head - 1));
    SHOW(syscall(SYS_set_robust_list, head, sizeof *head));
    syscall(SYS_exit, 0); /* clears the word and wakes who waits for it */
    return arg;
}

static void handler(int signal)
{
    (void)signal;
    in_handler++;
}

int main(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    static char stack[65536] __attribute__((aligned(4096)));
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, sizeof stack);
    pthread_create(&thread, &attributes, looks, NULL);
    while (cleared == 77)
        syscall(SYS_futex, &cleared, FUTEX_WAIT, 77, NULL, NULL, 0);
    SHOW(cleared);
    CHECK(gettid() == getpid() && syscall(SYS_gettid) == getpid());
    signal(SIGUSR1, handler);
    SHOW(tgkill(getpid(), gettid(), SIGUSR1));
    SHOW(syscall(SYS_tkill, gettid(), SIGUSR1));
    SHOW(in_handler);
    SHOW(mknodat(AT_FDCWD, "node", S_IFREG | 0600, 0));
    SHOW(mknodat(99, "node", S_IFREG | 0600, 0));
    SHOW(mknodat(AT_FDCWD, "node", S_IFREG | 0600, 0));
    SHOW(unlink("node"));
    return 0;
}
