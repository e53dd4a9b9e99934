/* sigaction(2) § The siginfo_t argument: what each kind of fault and sender says of itself. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

static sigjmp_buf back;
static volatile int number, code;
static void *volatile address;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    number = signal;
    code = info->si_code;
    address = info->si_addr;
    siglongjmp(back, 1);
}

static void show_fault(const char *what, void *expected)
{
    printf("%s: %s, code %d, address %s\n", what, sigabbrev_np(number), code,
           expected == NULL || address == expected ? "as expected" : "another");
}

#define FAULT(what, expected, statement)                                                       \
    do {                                                                                       \
        if (sigsetjmp(back, 1) == 0) {                                                         \
            statement;                                                                         \
            printf("%s: no fault\n", what);                                                    \
        } else                                                                                 \
            show_fault(what, expected);                                                        \
    } while (0)

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    volatile int zero = 0, one = 1;
    volatile int least = INT32_MIN, minus = -1;
    for (int i = 0; i < 5; i++)
        sigaction(faults[i], &action, NULL);
    char *only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("f", O_RDWR | O_CREAT, 0600);
    MUST(ftruncate(fd, 100));
    char *file = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    data[0] = (char)0xc3;
    FAULT("write to nothing", (void *)0x10, *(volatile char *)0x10 = 1);
    FAULT("read of nothing", (void *)0x18, one = *(volatile char *)0x18);
    FAULT("write to read-only", only + 5, *(volatile char *)(only + 5) = 1);
    FAULT("read of PROT_NONE", none + 7, one = *(volatile char *)(none + 7));
    FAULT("execution of data", data, ((void (*)(void))data)());
    FAULT("past a file's end", file + 4100, one = *(volatile char *)(file + 4100));
    FAULT("an address that cannot be", NULL, one = *(volatile char *)0x8000000000000000);
    FAULT("the kernel's half", NULL, one = *(volatile char *)0xffffffff80000000);
    FAULT("division by zero", NULL, one = one / zero);
    FAULT("division overflow", NULL, one = least / minus);
    FAULT("ud2", NULL, __asm__ volatile("ud2"));
    FAULT("int3", NULL, __asm__ volatile("int3"));
    sigaction(SIGUSR1, &action, NULL);
    FAULT("raise", NULL, raise(SIGUSR1));
    FAULT("kill", NULL, kill(getpid(), SIGUSR1));
    FAULT("sigqueue", NULL, sigqueue(getpid(), SIGUSR1, (union sigval){0}));
    FAULT("SIGSEGV sent", NULL, raise(SIGSEGV));
    int p[2];
    sigaction(SIGPIPE, &action, NULL);
    MUST(pipe(p));
    close(p[0]);
    FAULT("broken pipe", NULL, write(p[1], "x", 1));
    close(p[1]);
    sigaction(SIGALRM, &action, NULL);
    FAULT("alarm", NULL, {
        ualarm(1000, 0);
        pause();
    });
    munmap(only, 4096);
    munmap(none, 4096);
    munmap(data, 4096);
    munmap(file, 8192);
    close(fd);
    unlink("f");
    return 0;
}
