/* clone(2) § ERRORS: combinations of flags and fields of clone3(2) that are refused. */
#include "process.h"
#include <linux/sched.h>

static long raw(unsigned long flags)
{
    pid_t out = 0;
    long pid = syscall(SYS_clone, flags, NULL, &out, NULL, NULL);
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid(pid, NULL, __WALL);
    return pid > 0 ? 1 : pid;
}

static struct clone_args fresh(void)
{
    return (struct clone_args){.exit_signal = SIGCHLD};
}

static long third(struct clone_args args, size_t size)
{
    long pid = syscall(SYS_clone3, &args, size);
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid(pid, NULL, __WALL);
    return pid > 0 ? 1 : pid;
}

int main(void)
{
    struct clone_args args = fresh();
    struct {
        struct clone_args args;
        char more[64];
    } larger = {.args = fresh()};
    int pidfd = -1;
    pid_t id = 1 << 28, zero = 0;
    char space[64];

    SHOW(raw(SIGCHLD));
    SHOW(raw(CLONE_SIGHAND | SIGCHLD));
    SHOW(raw(CLONE_THREAD | SIGCHLD));
    SHOW(raw(CLONE_THREAD | CLONE_SIGHAND | SIGCHLD));
    SHOW(raw(CLONE_FS | CLONE_NEWNS | SIGCHLD));
    SHOW(raw(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD));
    SHOW(raw(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD));
    SHOW(raw(CLONE_DETACHED | SIGCHLD)); /* ignored */
    SHOW(raw(65));

    SHOW(third(args, sizeof args));
    SHOW(third(args, CLONE_ARGS_SIZE_VER0));
    SHOW(third(args, CLONE_ARGS_SIZE_VER0 - 8));
    SHOW(third(args, 0));
    SHOW(third(args, 5000));
    SHOW(syscall(SYS_clone3, NULL, sizeof args));
    long pid = syscall(SYS_clone3, &larger, sizeof larger); /* larger, the rest zero */
    if (pid == 0)
        _exit(0);
    reap("larger", pid);
    larger.more[9] = 1;
    SHOW(syscall(SYS_clone3, &larger, sizeof larger));
    args = fresh();
    args.exit_signal = 65;
    SHOW(third(args, sizeof args));
    args = fresh();
    args.exit_signal = 0x100 | SIGCHLD;
    SHOW(third(args, sizeof args));
    args = fresh();
    args.flags = SIGCHLD;
    SHOW(third(args, sizeof args));
    args.flags = CLONE_DETACHED;
    SHOW(third(args, sizeof args));
    args.flags = 1ULL << 50;
    SHOW(third(args, sizeof args));
    args.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
    SHOW(third(args, sizeof args)); /* with an exit signal */
    args.flags = CLONE_PARENT;
    SHOW(third(args, sizeof args));
    args = fresh();
    args.stack_size = sizeof space;
    SHOW(third(args, sizeof args));
    args = fresh();
    args.stack = (uint64_t)space;
    SHOW(third(args, sizeof args));
    args = fresh();
    args.flags = CLONE_PIDFD | CLONE_PARENT_SETTID;
    args.pidfd = args.parent_tid = (uint64_t)&pidfd;
    SHOW(third(args, sizeof args));
    args = fresh();
    args.flags = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND | CLONE_VM;
    SHOW(third(args, sizeof args));
    args = fresh();
    args.set_tid_size = 1;
    SHOW(third(args, sizeof args));
    args.set_tid = (uint64_t)&id;
    args.set_tid_size = 0;
    SHOW(third(args, sizeof args));
    args.set_tid_size = 33;
    SHOW(third(args, sizeof args));
    args.set_tid = (uint64_t)&zero;
    args.set_tid_size = 1;
    SHOW(third(args, sizeof args));
    args.set_tid = (uint64_t)&id;
    SHOW(third(args, sizeof args)); /* above pid_max */
    id = 1;
    SHOW(third(args, sizeof args)); /* taken */
    args = fresh();
    args.cgroup = 3;
    SHOW(third(args, sizeof args)); /* looked at with CLONE_INTO_CGROUP only */
    return 0;
}
