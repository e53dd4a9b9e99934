/* sigaction(2), sigreturn(2): arguments, masks, SA_NODEFER, SA_RESETHAND, SA_ONSTACK, nesting; what
 * a handler must not disturb: registers, red zone, SSE state, errno of the interrupted call. */
#include "check.h"
#include <signal.h>
#include <ucontext.h>

static volatile int calls, depth, deepest, raised, last_code, last_value, on_stack;
static volatile pid_t sender;
static char stack[65536];

static void simple(int signal) { calls += signal; }

static void detailed(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    last_code = info->si_code;
    sender = info->si_pid;
    last_value = info->si_value.sival_int;
}

static void nested(int signal)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (raised++ < 3)
        raise(signal);
    depth--;
}

static void where(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    char here;
    stack_t current;
    sigaltstack(NULL, &current);
    on_stack = &here >= stack && &here < stack + sizeof stack && (current.ss_flags & SS_ONSTACK);
    on_stack += ((ucontext_t *)context)->uc_stack.ss_size == sizeof stack ? 2 : 0;
}

static void clobber(int signal)
{
    (void)signal;
    __asm__ volatile("pcmpeqd %%xmm0,%%xmm0; pcmpeqd %%xmm7,%%xmm7; pcmpeqd %%xmm15,%%xmm15;"
                     "fld1; fld1; faddp; fstp %%st(0)" ::: "xmm0", "xmm7", "xmm15");
    errno = 77;
}

static void install(int signal, void *handler, int flags)
{
    struct sigaction action = {.sa_flags = flags};
    action.sa_sigaction = handler;
    sigemptyset(&action.sa_mask);
    MUST(sigaction(signal, &action, NULL));
}

/* kill(2) by hand, with values in registers and below the stack pointer that must survive. */
static long keeps_registers(void)
{
    long ok;
    __asm__ volatile(
        "movq $0x1122334455667788, %%rax; movq %%rax, -8(%%rsp); movq %%rax, -128(%%rsp);"
        "movq %%rax, %%xmm7; movq %%rax, %%xmm15; movq %%rax, %%r12; movq %%rax, %%r8;"
        "movl $39, %%eax; syscall;"
        "movl %%eax, %%edi; movl $10, %%esi; movl $62, %%eax; syscall;"
        "movq $0x1122334455667788, %%rcx;"
        "xorl %%ebx, %%ebx;"
        "cmpq %%rcx, -8(%%rsp); sete %%bl; cmpq %%rcx, -128(%%rsp); sete %%al; addb %%al, %%bl;"
        "movq %%xmm7, %%rdx; cmpq %%rcx, %%rdx; sete %%al; addb %%al, %%bl;"
        "movq %%xmm15, %%rdx; cmpq %%rcx, %%rdx; sete %%al; addb %%al, %%bl;"
        "cmpq %%rcx, %%r12; sete %%al; addb %%al, %%bl; cmpq %%rcx, %%r8; sete %%al; addb %%al, %%bl;"
        : "=b"(ok)
        :
        : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r11", "r12", "xmm7", "xmm15", "memory", "cc");
    return ok;
}

int main(void)
{
    install(SIGUSR1, simple, 0);
    raise(SIGUSR1);
    kill(getpid(), SIGUSR1);
    CHECK(calls == 2 * SIGUSR1);

    install(SIGUSR2, detailed, SA_SIGINFO);
    kill(getpid(), SIGUSR2);
    CHECK(last_code == SI_USER && sender == getpid());
    sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 1234});
    CHECK(last_code == SI_QUEUE && last_value == 1234);
    syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2);
    CHECK(last_code == SI_TKILL && sender == getpid());

    install(SIGUSR1, nested, 0);
    raise(SIGUSR1);
    printf("deepest without SA_NODEFER: %d\n", deepest);
    deepest = raised = 0;
    install(SIGUSR1, nested, SA_NODEFER);
    raise(SIGUSR1);
    printf("deepest with SA_NODEFER: %d\n", deepest);

    calls = 0;
    install(SIGUSR1, simple, SA_RESETHAND);
    struct sigaction now;
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &now);
    CHECK(calls == SIGUSR1 && now.sa_handler == SIG_DFL);

    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    MUST(sigaltstack(&alternate, NULL));
    install(SIGUSR1, where, SA_ONSTACK | SA_SIGINFO);
    raise(SIGUSR1);
    printf("on the alternate stack: %d\n", on_stack);
    install(SIGUSR1, where, SA_SIGINFO);
    raise(SIGUSR1);
    printf("not asked for: %d\n", on_stack);
    alternate.ss_size = 16;
    SHOW(sigaltstack(&alternate, NULL));
    alternate.ss_flags = SS_DISABLE;
    stack_t before;
    SHOW(sigaltstack(&alternate, &before));
    CHECK(before.ss_size == sizeof stack);

    install(SIGUSR1, clobber, 0);
    printf("kept: %ld of 6\n", keeps_registers());
    double half = 0.5;
    raise(SIGUSR1);
    CHECK(half + half == 1.0);

    SHOW(sigaction(SIGKILL, &now, NULL));
    SHOW(sigaction(65, NULL, &now));
    SHOW(kill(getpid(), 65));
    SHOW(kill(getpid(), 0));
    SHOW(kill(999999, 0));
    return 0;
}
