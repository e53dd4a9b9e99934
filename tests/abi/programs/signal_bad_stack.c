/* sigaltstack(2): a handler whose frame cannot be written is SIGSEGV, which a handler on another
 * stack gets. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

static sigjmp_buf back;
static char alternate[65536];
static volatile int got;

static void on(int signal)
{
    got = signal;
    siglongjmp(back, 1);
}

static void die_on_bad_stack(void)
{
    __asm__ volatile("mov $64, %%rsp; ud2" ::: "memory");
}

int main(void)
{
    struct sigaction action = {.sa_handler = on};
    sigaction(SIGILL, &action, NULL);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        die_on_bad_stack();
    int status;
    waitpid(child, &status, 0);
    printf("without: %s\n", WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "none");
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, NULL);
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGSEGV, &action, NULL);
    if (sigsetjmp(back, 1) == 0)
        die_on_bad_stack();
    printf("with: %s\n", sigabbrev_np(got));
    return 0;
}
