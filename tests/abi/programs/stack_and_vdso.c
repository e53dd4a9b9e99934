/* The stack grows as far as RLIMIT_STACK says at the moment (getrlimit(2)); what a program is
 * handed at its start (getauxval(3)); clocks with and without the vDSO (vdso(7)) agree. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

#define MEBIBYTE (1 << 20)

static sigjmp_buf back;
static void handler(int signal) { siglongjmp(back, signal); }

__attribute__((noinline)) static int use_stack(long bytes)
{
    volatile char array[4096];
    array[0] = 1;
    if (bytes <= 0)
        return array[0];
    return use_stack(bytes - 4096) + array[0] - 1;
}

static const char *try_stack(long bytes)
{
    int signal = sigsetjmp(back, 1);
    if (signal)
        return strsignal(signal);
    return use_stack(bytes) == 1 ? "fine" : "WRONG";
}

static void set_limit(rlim_t mebibytes)
{
    struct rlimit limit;
    MUST(getrlimit(RLIMIT_STACK, &limit));
    limit.rlim_cur = mebibytes * MEBIBYTE;
    MUST(setrlimit(RLIMIT_STACK, &limit));
}

static void show_stack(void)
{
    static char other[65536];
    stack_t alternate = {.ss_sp = other, .ss_size = sizeof other};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    MUST(sigaltstack(&alternate, NULL));
    MUST(sigaction(SIGSEGV, &action, NULL));
    set_limit(8);
    printf("4 MiB of 8: %s\n", try_stack(4 * MEBIBYTE));
    printf("9 MiB of 8: %s\n", try_stack(9 * MEBIBYTE));
    set_limit(16);
    printf("12 MiB of 16: %s\n", try_stack(12 * MEBIBYTE));
    printf("20 MiB of 16: %s\n", try_stack(20 * MEBIBYTE));
}

static int is_between(struct timespec a, struct timespec b, struct timespec c)
{
    long long first = a.tv_sec * 1000000000LL + a.tv_nsec;
    long long second = b.tv_sec * 1000000000LL + b.tv_nsec;
    long long third = c.tv_sec * 1000000000LL + c.tv_nsec;
    return first <= second && second <= third;
}

static void show_clock(const char *name, clockid_t clock)
{
    struct timespec before, asked, after;
    clock_gettime(clock, &before);
    syscall(SYS_clock_gettime, clock, &asked);
    clock_gettime(clock, &after);
    printf("%s: %s\n", name, is_between(before, asked, after) ? "agrees" : "DIFFERS");
}

int main(int argc, char **argv)
{
    CHECK(argc == 1 && argv[1] == NULL);
    CHECK(getauxval(AT_PAGESZ) == 4096);
    CHECK(getauxval(AT_CLKTCK) == 100);
    CHECK(getauxval(AT_SECURE) == 0);
    CHECK(strcmp((char *)getauxval(AT_PLATFORM), "x86_64") == 0);
    CHECK(getauxval(AT_RANDOM) != 0);
    CHECK(getauxval(AT_SYSINFO_EHDR) % 4096 == 0);
    CHECK(memcmp((char *)getauxval(AT_SYSINFO_EHDR), "\177ELF", 4) == 0);
    CHECK(getauxval(AT_MINSIGSTKSZ) >= 1024);
    CHECK((long)&argc % 4 == 0);
    show_stack();
    show_clock("CLOCK_REALTIME", CLOCK_REALTIME);
    show_clock("CLOCK_MONOTONIC", CLOCK_MONOTONIC);
    show_clock("CLOCK_MONOTONIC_RAW", CLOCK_MONOTONIC_RAW);
    show_clock("CLOCK_BOOTTIME", CLOCK_BOOTTIME);
    struct timespec now;
    SHOW(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now));
    SHOW(clock_gettime(99, &now));
    struct timeval day;
    SHOW(gettimeofday(&day, NULL));
    CHECK(llabs((long long)day.tv_sec - (long long)time(NULL)) <= 1);
    return 0;
}
