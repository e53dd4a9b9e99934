/* clone(2) CLONE_VM without CLONE_THREAD, CLONE_SIGHAND, the ids it stores and clears, exit signals. */
#include "process.h"
#include <linux/futex.h>
#include <sys/mman.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile int shared;
static volatile pid_t parent_tid, child_tid;
static volatile int usr2;

static void on_usr2(int signal)
{
    (void)signal;
    usr2++;
}

static int writes(void *arg)
{
    shared = *(int *)arg;
    return getpid() == gettid() ? 1 : 2;
}

static int handles(void *arg)
{
    (void)arg;
    signal(SIGUSR1, SIG_IGN);
    return 0;
}

static int reports_tid(void *arg)
{
    (void)arg;
    return child_tid == getpid() ? 9 : 1;
}

static int maps(void *arg)
{
    *(void **)arg = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return **(int **)arg = 0;
}

static pid_t start(int (*body)(void *), int flags, void *arg)
{
    pid_t pid = clone(body, stack + sizeof stack, flags, arg, &parent_tid, NULL, &child_tid);
    MUST(pid);
    return pid;
}

static const char *disposition(void)
{
    struct sigaction action;
    sigaction(SIGUSR1, NULL, &action);
    return action.sa_handler == SIG_IGN ? "ignored" : "default";
}

int main(void)
{
    int value = 5, status;
    void *page = NULL;
    reap("copies memory", start(writes, SIGCHLD, &value));
    SHOW(shared);
    reap("shares memory", start(writes, CLONE_VM | SIGCHLD, &value));
    SHOW(shared);
    reap("maps", start(maps, CLONE_VM | SIGCHLD, &page));
    CHECK(page && (*(int *)page = 3) == 3 && munmap(page, 4096) == 0);

    reap("own handlers", start(handles, CLONE_VM | SIGCHLD, NULL));
    printf("SIGUSR1 %s\n", disposition());
    reap("shared handlers", start(handles, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL));
    printf("SIGUSR1 %s\n", disposition());

    parent_tid = child_tid = 0;
    pid_t pid = start(reports_tid, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, NULL);
    CHECK(parent_tid == pid && child_tid == 0); /* the child's memory is its own */
    reap("knows its id", pid);
    child_tid = 1;
    pid = start(reports_tid, CLONE_VM | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD, NULL);
    for (pid_t seen; (seen = child_tid) != 0;)
        syscall(SYS_futex, &child_tid, FUTEX_WAIT, seen, NULL, NULL, 0);
    SHOW(child_tid);
    MUST(waitpid(pid, &status, 0));

    pid = start(writes, 0, &value); /* no signal to the parent: a "clone child" */
    SHOW(waitpid(pid, &status, WNOHANG));
    CHECK(waitpid(pid, &status, __WALL) == pid);
    pid = start(writes, 0, &value);
    CHECK(waitpid(pid, &status, __WCLONE) == pid);
    signal(SIGUSR2, on_usr2);
    pid = start(writes, SIGUSR2, &value);
    CHECK(waitpid(pid, &status, __WALL) == pid);
    SHOW(usr2);
    pid = start(writes, SIGCHLD, &value);
    SHOW(waitpid(pid, &status, __WCLONE));
    CHECK(waitpid(pid, &status, __WALL) == pid);
    return 0;
}
