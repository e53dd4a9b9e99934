/* sigreturn(2), setjmp(3), getcontext(3): registers over handlers, jumps out of them, and contexts. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

static jmp_buf plain;
static sigjmp_buf with_mask;
static ucontext_t main_context, other_context;
static char stack[65536];
static volatile double number;
static int steps;

static void jumps(int signal)
{
    (void)signal;
    siglongjmp(with_mask, 5);
}

static void skips(int signal, siginfo_t *info, void *context)
{
    ucontext_t *at = context;
    (void)signal;
    (void)info;
    at->uc_mcontext.gregs[REG_RIP] += 2; /* over the ud2 */
    at->uc_mcontext.gregs[REG_RBX] = 1234567;
}

static void spoils(int signal)
{
    (void)signal;
    volatile double x = 1.5;
    for (int i = 0; i < 100; i++)
        x = x * 1.1 + i;
    number = x;
    __asm__ volatile("pxor %%xmm0, %%xmm0; pxor %%xmm7, %%xmm7; xor %%rcx, %%rcx; std" ::
                         : "xmm0", "xmm7", "rcx", "cc");
    __asm__ volatile("cld");
}

static void changes_mask_of_context(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGTERM);
}

static void other(int first, int second)
{
    printf("in the other context: %d %d\n", first, second);
    steps++;
    swapcontext(&other_context, &main_context);
    steps++;
}

int main(void)
{
    struct sigaction action = {.sa_handler = jumps};
    sigset_t mask;
    sigaction(SIGUSR1, &action, NULL);
    int result = sigsetjmp(with_mask, 1);
    if (result == 0)
        raise(SIGUSR1);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("jumped %d, USR1 blocked %d\n", result, sigismember(&mask, SIGUSR1));
    result = sigsetjmp(with_mask, 0);
    if (result == 0)
        raise(SIGUSR1);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("jumped %d, USR1 blocked %d\n", result, sigismember(&mask, SIGUSR1));
    volatile int rounds = 0;
    if (setjmp(plain) < 3) {
        rounds++;
        longjmp(plain, rounds);
    }
    SHOW(rounds);

    action = (struct sigaction){.sa_sigaction = skips, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, NULL);
    long rbx = 1;
    __asm__ volatile("mov $7, %%rbx; ud2; mov %%rbx, %0" : "=r"(rbx) : : "rbx");
    SHOW(rbx);
    action = (struct sigaction){.sa_handler = spoils};
    sigaction(SIGUSR2, &action, NULL);
    double kept = 0;
    long counter = 77, pid = getpid();
    __asm__ volatile("movsd %2, %%xmm7; mov $77, %%r12; mov $62, %%eax; mov %3, %%rdi;"
                     "mov $12, %%esi; syscall; movsd %%xmm7, %0; mov %%r12, %1"
                     : "=m"(kept), "=r"(counter)
                     : "m"((double){2.25}), "r"(pid)
                     : "rax", "rcx", "rdi", "rsi", "r11", "r12", "xmm7", "memory");
    printf("kept %.2f %ld\n", kept, counter);
    action = (struct sigaction){.sa_sigaction = changes_mask_of_context, .sa_flags = SA_SIGINFO};
    sigaction(SIGHUP, &action, NULL);
    raise(SIGHUP);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    SHOW(sigismember(&mask, SIGTERM)); /* what the handler left is restored */

    getcontext(&other_context);
    other_context.uc_stack.ss_sp = stack;
    other_context.uc_stack.ss_size = sizeof stack;
    other_context.uc_link = &main_context;
    makecontext(&other_context, (void (*)(void))other, 2, 3, 4);
    swapcontext(&main_context, &other_context);
    SHOW(steps);
    swapcontext(&main_context, &other_context);
    SHOW(steps);
    return 0;
}
