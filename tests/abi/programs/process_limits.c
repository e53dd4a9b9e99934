/* getrlimit(2), prlimit(2): limits of other processes, over fork and execve. */
#include "process.h"
#include <sys/resource.h>

static struct gate up, go;

static int executed(void)
{
    struct rlimit files, core;
    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_CORE, &core);
    printf("files %ld, core %ld\n", (long)files.rlim_cur, (long)core.rlim_cur);
    SHOW(dup2(1, 123));
    return 0;
}

static int lowers(void)
{
    struct rlimit files = {123, 200}, core = {0, 0};
    MUST(setrlimit(RLIMIT_NOFILE, &files));
    MUST(setrlimit(RLIMIT_CORE, &core));
    become("executed");
    return 1;
}

static int is_lowered(void)
{
    struct rlimit files;
    open_gate(up);
    pass_gate(go);
    getrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_cur;
}

int main(int argc, char **argv)
{
    struct rlimit before, after, old, twenty;
    (void)argv;
    if (argc > 1)
        return executed();
    up = new_gate();
    go = new_gate();
    getrlimit(RLIMIT_NOFILE, &before);
    run("lowers", lowers);
    getrlimit(RLIMIT_NOFILE, &after);
    CHECK(before.rlim_cur == after.rlim_cur);
    pid_t pid = child(is_lowered);
    pass_gate(up);
    twenty = before;
    twenty.rlim_cur = 20;
    SHOW(prlimit(pid, RLIMIT_NOFILE, &twenty, &old));
    CHECK(old.rlim_cur == before.rlim_cur);
    SHOW(prlimit(pid, RLIMIT_NOFILE, NULL, &old));
    SHOW(old.rlim_cur);
    open_gate(go);
    reap("is lowered", pid);
    SHOW(prlimit(1 << 28, RLIMIT_NOFILE, NULL, &old));
    SHOW(prlimit(0, 99, NULL, &old));
    close_gate(up);
    close_gate(go);
    return 0;
}
