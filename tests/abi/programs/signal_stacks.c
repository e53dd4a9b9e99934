/* sigaltstack(2), SA_ONSTACK, SS_AUTODISARM: on which stack handlers run, and overflowing the own one. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static char space[65536] __attribute__((aligned(16)));
static volatile int on_it, flags_inside, set_inside, misaligned, depth;
static sigjmp_buf back;

static int is_on(void)
{
    char here;
    return &here >= space && &here < space + sizeof space;
}

static void handler(int signal)
{
    stack_t now, other = {.ss_sp = space, .ss_size = sizeof space};
    (void)signal;
    on_it = is_on();
    sigaltstack(NULL, &now);
    flags_inside = now.ss_flags;
    set_inside = sigaltstack(&other, NULL) ? errno : 0;
    misaligned = (uintptr_t)__builtin_frame_address(0) % 16;
}

static void nested(int signal)
{
    (void)signal;
    if (++depth < 3)
        raise(SIGUSR1);
    on_it += is_on();
}

static void overflowed(int signal, siginfo_t *info, void *context)
{
    (void)info;
    (void)context;
    on_it = is_on();
    siglongjmp(back, signal);
}

static int recurse(volatile int n)
{
    volatile char page[4096];
    page[n % 4096] = n;
    return n < 0 ? 0 : recurse(n + 1) + page[n % 4096];
}

static void raise_with(const char *what, int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    printf("%s: on it %d, flags %d, setting it inside: %s, misaligned by %d\n", what, on_it,
           flags_inside, set_inside ? strerrorname_np(set_inside) : "ok", misaligned);
}

int main(void)
{
    stack_t stack = {.ss_sp = space, .ss_size = sizeof space}, old;
    raise_with("no stack", SA_ONSTACK);
    stack.ss_flags = SS_DISABLE;
    MUST(sigaltstack(&stack, NULL));
    stack.ss_flags = 0;
    SHOW(sigaltstack(&stack, &old));
    SHOW(old.ss_flags);
    raise_with("without SA_ONSTACK", 0);
    raise_with("with SA_ONSTACK", SA_ONSTACK);
    sigaltstack(NULL, &old);
    CHECK(old.ss_sp == space && old.ss_size == sizeof space && old.ss_flags == 0);
    stack.ss_flags = SS_AUTODISARM;
    SHOW(sigaltstack(&stack, NULL));
    sigaltstack(NULL, &old);
    CHECK((unsigned)old.ss_flags == SS_AUTODISARM);
    raise_with("SS_AUTODISARM", SA_ONSTACK);
    sigaltstack(NULL, &old);
    CHECK(old.ss_sp == space); /* armed again on return */

    stack.ss_flags = 0;
    MUST(sigaltstack(&stack, NULL));
    struct sigaction action = {.sa_handler = nested, .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigaction(SIGUSR1, &action, NULL);
    on_it = 0;
    raise(SIGUSR1);
    printf("nested %d deep, %d on it\n", depth, on_it);

    action = (struct sigaction){.sa_sigaction = overflowed, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    on_it = 0;
    int signal = sigsetjmp(back, 1);
    if (signal == 0)
        recurse(0);
    printf("overflowed: signal %d, on it %d\n", signal, on_it);

    stack.ss_size = 1000;
    SHOW(sigaltstack(&stack, NULL));
    stack.ss_size = sizeof space;
    stack.ss_flags = 77;
    SHOW(sigaltstack(&stack, NULL));
    SHOW(sigaltstack((void *)1, NULL));
    SHOW(sigaltstack(NULL, (void *)1));
    stack.ss_flags = SS_DISABLE;
    SHOW(sigaltstack(&stack, NULL));
    sigaltstack(NULL, &old);
    SHOW(old.ss_flags);
    return 0;
}
