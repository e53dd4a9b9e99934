/* prctl(2) PR_SET_CHILD_SUBREAPER: who becomes the parent of a process whose parent has ended. */
#include "process.h"

static struct gate go;
static pid_t reaper;
static int report[2];

static int orphan(void)
{
    int is_adopted;
    pass_gate(go);
    is_adopted = getppid() == reaper;
    write(report[1], &is_adopted, sizeof is_adopted);
    return 21;
}

static int leaves_an_orphan(void)
{
    pid_t pid = child(orphan);
    write(report[1], &pid, sizeof pid);
    return 1;
}

static int zombie_child(void)
{
    return 22;
}

static int leaves_a_zombie(void)
{
    pid_t pid = child(zombie_child);
    CHECK(comes_to(pid, 'Z'));
    write(report[1], &pid, sizeof pid);
    return 1;
}

static int forgets(void)
{
    int is_reaper = -1;
    MUST(prctl(PR_GET_CHILD_SUBREAPER, &is_reaper));
    return is_reaper; /* not inherited */
}

int main(void)
{
    int is_adopted = 0, is_reaper = -1;
    pid_t left;
    go = new_gate();
    MUST(pipe(report));
    reaper = getpid();
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
    SHOW(prctl(PR_GET_CHILD_SUBREAPER, &is_reaper));
    SHOW(is_reaper);
    SHOW(prctl(PR_GET_CHILD_SUBREAPER, 1L));

    run("parent", leaves_an_orphan);
    MUST(read(report[0], &left, sizeof left));
    open_gate(go);
    MUST(read(report[0], &is_adopted, sizeof is_adopted));
    SHOW(is_adopted);
    reap("orphan", left);

    run("parent", leaves_a_zombie);
    MUST(read(report[0], &left, sizeof left));
    reap("inherited zombie", left);
    SHOW(wait(NULL));
    run("child of a reaper", forgets);
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 0));
    close_gate(go);
    close(report[0]);
    close(report[1]);
    return 0;
}
