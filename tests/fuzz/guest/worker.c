/* A process of some threads that make random calls. */
#include "fuzz.h"

static int fds[FDS];
static char stacks[THREADS][65536] __attribute__((aligned(16)));
static struct fuzzer fuzzers[THREADS];
static unsigned calls_each;

void on_signal(int signal)
{
    (void)signal;
}

/* sigaction(2), sa_restorer. */
__asm__(".globl restore\nrestore: mov $15, %eax\n\tsyscall\n\tud2");

/* Calls that end the worker, or give the kernel an address to run: the fuzzer has the kernel's
 * rights, so that what it runs must be its own. */
static int is_left_out(struct fuzzer *fuzzer, long number)
{
    switch (number) {
    case __NR_rt_sigreturn:
        return 1;
    case __NR_exit:
    case __NR_exit_group:
    case __NR_execve:
    case __NR_execveat:
    case __NR_pause:
    case __NR_rt_sigsuspend:
    case __NR_setrlimit: /* and calls after which a worker is allowed little */
    case __NR_prlimit64:
    case __NR_setuid:
    case __NR_setreuid:
    case __NR_setresuid:
    case __NR_setfsuid:
    case __NR_close_range:
        return !one_in(fuzzer, 30);
    default:
        return 0;
    }
}

static int splits(long number)
{
    return number == __NR_clone || number == __NR_clone3 || number == __NR_fork
           || number == __NR_vfork;
}

static void note(long number, long result)
{
    unsigned outcome = result >= 0 ? 0 : -result;
    if (result < -4095)
        outcome = 0; /* an address */
    if (outcome >= OUTCOMES)
        outcome = OUTCOMES - 1;
    __atomic_fetch_add(&SHARED->outcome[number][outcome], 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&SHARED->made, 1, __ATOMIC_RELAXED);
}

static void make_call(struct fuzzer *fuzzer)
{
    const struct call *call = &calls[below(fuzzer, call_count)];
    if (is_left_out(fuzzer, call->number))
        return;
    word argument[6];
    for (int i = 0; i < 6; i++)
        argument[i] = i < call->arguments ? make_argument(fuzzer, &call->argument[i]) : 0;
    mend(fuzzer, call->number, argument);
    SHARED->on_work[fuzzer->index] = call->number;
    note(call->number, splits(call->number) ? splitting_call(call->number, argument)
                                            : system_call(call->number, argument));
}

static void make_calls(struct fuzzer *fuzzer)
{
    for (unsigned i = 0; i < calls_each; i++) {
        if (i % 16 == 15)
            map_arena(fuzzer->arena);
        make_call(fuzzer);
    }
    CALL(exit, 0);
}

/* A call took memory away that the next one is to be filled in. */
static void on_fault(int signal)
{
    (void)signal;
    for (int i = 0; i < THREADS; i++)
        map_arena(ARENA(i));
}

void handle_signals(void)
{
    enum { SIGBUS = 7, SIGSEGV = 11, LAST = 64 };
    for (int signal = 1; signal <= LAST; signal++) {
        int is_fault = signal == SIGBUS || signal == SIGSEGV;
        word action[4] = {(word)(is_fault ? on_fault : on_signal), 0x04000000, (word)restore, 0};
        CALL(rt_sigaction, signal, (word)action, 0, 8);
    }
}

/* Runs make_calls on a stack of its own; its first thing is to take the fuzzer from that stack. */
long start_thread(void *stack_top, word flags);
__asm__(".globl start_thread\nstart_thread: xchg %rdi, %rsi\n\txor %edx, %edx\n\t"
        "xor %r10d, %r10d\n\txor %r8d, %r8d\n\tmov $56, %eax\n\tsyscall\n\ttest %rax, %rax\n\t"
        "jnz 1f\n\tpop %rdi\n\tcall begin_thread\n1: ret");

void begin_thread(struct fuzzer *fuzzer)
{
    make_calls(fuzzer);
}

static void start(int index)
{
    enum { SHARE_ALL = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 };
    word *top = (word *)(stacks[index] + sizeof stacks[index]) - 3; /* aligned at the call */
    *top = (word)&fuzzers[index];
    start_thread(top, SHARE_ALL);
}

void run_worker(word seed, int index, unsigned calls_of_each)
{
    calls_each = calls_of_each;
    CALL(setpgid, 0, 0);
    int silence = CALL(open, (word) "/dev/null", 2);
    for (int fd = 0; fd < 3; fd++)
        CALL(dup2, silence, fd); /* the console is for what the supervisor says */
    CALL(close, silence);
    handle_signals();
    open_resources(fds);
    for (int i = 0; i < THREADS; i++) {
        fuzzers[i] = (struct fuzzer){
            .state = seed * THREADS + i,
            .arena = ARENA(i),
            .index = index * THREADS + i,
            .fds = fds,
        };
        map_arena(ARENA(i));
    }
    for (int i = 1; i < THREADS; i++)
        start(i);
    make_calls(&fuzzers[0]);
}
