/* sigaction(2) § si_code: what exceptions become, and that a handler can go around them. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

static sigjmp_buf back;
static volatile int got, code;
static void *volatile address;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    got = signal;
    code = info->si_code;
    address = info->si_addr;
    siglongjmp(back, 1);
}

#define TRY(what, action)                                                                      \
    do {                                                                                       \
        got = code = 0;                                                                        \
        if (sigsetjmp(back, 1) == 0) {                                                         \
            action;                                                                            \
        }                                                                                      \
        printf("%s: %s code %d\n", what, got ? strsignal(got) : "nothing", code);              \
    } while (0)

int main(void)
{
    int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = handler;
    for (int i = 0; i < 5; i++)
        sigaction(signals[i], &action, NULL);

    volatile char *readable = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile char *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRY("null pointer", *(volatile char *)16);
    CHECK(address == (void *)16);
    TRY("write to what is read-only", readable[5000] = 1);
    CHECK(address == readable + 5000);
    TRY("no access", (void)*nothing);
    munmap((void *)nothing, 4096);
    TRY("unmapped", (void)*nothing);
    TRY("not canonical", (void)*(volatile char *)0x8000000000000000);
    TRY("kernel half", (void)*(volatile char *)0xffffa00000000000);
    TRY("execute data", ((void (*)(void))(uintptr_t)readable)());
    TRY("division by zero", __asm__ volatile("xorl %%edx,%%edx; xorl %%ecx,%%ecx; divl %%ecx" ::: "eax", "ecx", "edx", "cc"));
    TRY("illegal instruction", __asm__ volatile("ud2"));
    TRY("breakpoint", __asm__ volatile("int3"));
    TRY("interrupt of no device", __asm__ volatile("int $0xf0"));

    int fd = memfd_create("short", 0);
    MUST(fd);
    MUST(ftruncate(fd, 100));
    volatile char *file = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    TRY("past the end, same page", (void)file[200]);
    TRY("past the last page", (void)file[4096]);
    CHECK(address == file + 4096);
    close(fd);
    return 0;
}
