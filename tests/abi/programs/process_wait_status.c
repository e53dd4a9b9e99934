/* waitpid(2), wait4(2): statuses, selection by id and group, WNOHANG, and the errors. */
#include "process.h"
#include <sys/resource.h>

static int exits_300(void)
{
    _exit(300);
}

static int aborts(void)
{
    abort();
}

static int kills_itself(void)
{
    kill(getpid(), SIGKILL);
    return 1;
}

static int is_terminated(void)
{
    raise(SIGTERM);
    return 1;
}

static int faults(void)
{
    *(volatile int *)8 = 1;
    return 1;
}

static int divides(void)
{
    volatile int seven = 7, zero = 0;
    return seven / zero;
}

static int traps(void)
{
    __builtin_trap();
}

static int returns_0(void)
{
    return 0;
}

static int leads_a_group(void)
{
    setpgid(0, 0);
    return 5;
}

int main(void)
{
    int status = -1;
    SHOW(wait(&status));
    SHOW(waitpid(-1, &status, WNOHANG));
    SHOW(waitpid(getpid(), &status, 0));
    SHOW(waitpid(1 << 28, &status, 0));
    CHECK(status == -1);
    run("exits 300", exits_300);
    run("aborts", aborts);
    run("kills itself", kills_itself);
    run("is terminated", is_terminated);
    run("faults", faults);
    run("divides by zero", divides);
    run("traps", traps);
    pid_t pid = child(waits_for_ever);
    SHOW(waitpid(pid, &status, WNOHANG));
    SHOW(waitpid(pid, &status, 0x1000));
    SHOW(waitpid(INT32_MIN, &status, 0));
    SHOW(kill(pid, SIGINT));
    reap("waits for ever", pid);
    SHOW(waitpid(pid, &status, 0));
    pid_t first = child(returns_0), second = child(waits_for_ever);
    CHECK(waitpid(first, NULL, 0) == first);
    SHOW(waitpid(0, &status, WNOHANG));
    SHOW(kill(second, SIGKILL));
    CHECK(waitpid(0, &status, 0) == second);
    show_status("of this group", status);
    pid = child(leads_a_group);
    CHECK(comes_to(pid, 'Z'));
    SHOW(waitpid(0, &status, WNOHANG));
    SHOW(waitpid(-(1 << 28), &status, 0));
    CHECK(waitpid(-pid, &status, 0) == pid);
    show_status("of its own group", status);
    pid = child(returns_0);
    SHOW(syscall(SYS_wait4, pid, 1L, 0, NULL));
    SHOW(waitpid(pid, &status, 0));
    pid = child(returns_0);
    struct rusage usage;
    memset(&usage, 0xff, sizeof usage);
    CHECK(wait4(pid, NULL, 0, &usage) == pid);
    CHECK(usage.ru_utime.tv_sec >= 0 && usage.ru_utime.tv_sec < 10);
    SHOW(wait(NULL));
    return 0;
}
