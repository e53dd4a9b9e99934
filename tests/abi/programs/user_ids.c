/* setuid(2), setreuid(2), setresuid(2) and for groups, credentials(7): the transitions and refusals. */
#include "process.h"
#include <grp.h>

static void show_ids(const char *when)
{
    uid_t r, e, s;
    gid_t rg, eg, sg;
    getresuid(&r, &e, &s);
    getresgid(&rg, &eg, &sg);
    printf("%s: %d %d %d, %d %d %d\n", when, r, e, s, rg, eg, sg);
}

static int by_setuid(void)
{
    SHOW(setgid(5));
    SHOW(setuid(6)); /* as root: all three */
    show_ids("setuid as root");
    SHOW(setuid(0));
    SHOW(setgid(0));
    SHOW(setuid(6));
    SHOW(seteuid(0));
    return 0;
}

static int with_saved(void)
{
    SHOW(setresgid(1, 2, 3));
    SHOW(setresuid(1, 2, 3));
    show_ids("all different");
    SHOW(setuid(3)); /* not root: the effective one only */
    show_ids("setuid to the saved");
    SHOW(setuid(1));
    show_ids("setuid to the real");
    SHOW(setuid(2));
    SHOW(setreuid(3, 1));
    SHOW(setreuid(-1, 3));
    show_ids("setreuid of the effective");
    SHOW(setreuid(3, 1)); /* the effective becomes real, the real effective */
    show_ids("setreuid swaps");
    SHOW(setresuid(-1, -1, 1));
    show_ids("setresuid of the saved");
    SHOW(setresuid(-1, 3, -1));
    show_ids("setresuid of the effective");
    SHOW(setresuid(7, -1, -1));
    SHOW(setgid(3));
    SHOW(setregid(3, 1));
    SHOW(setresgid(3, 3, 3));
    show_ids("groups");
    SHOW(setgroups(0, NULL));
    return 0;
}

static int back_and_forth(void)
{
    SHOW(seteuid(9));
    show_ids("seteuid");
    SHOW(setegid(4));
    SHOW(seteuid(0)); /* the saved one is still root's */
    SHOW(setegid(4));
    show_ids("and back");
    SHOW(setreuid(10, -1)); /* the saved id follows */
    show_ids("setreuid of the real");
    SHOW(setreuid(0, 0));
    show_ids("all root's again");
    return 0;
}

static int groups(void)
{
    gid_t some[] = {30, 10, 20}, got[8];
    SHOW(setgroups(3, some));
    SHOW(getgroups(0, NULL));
    SHOW(getgroups(2, got));
    SHOW(getgroups(8, got));
    SHOW(got[0] + got[1] + got[2]);
    SHOW(getgroups(-1, got));
    SHOW(setgroups(65537, some));
    SHOW(syscall(SYS_getgroups, 8, 1L));
    SHOW(syscall(SYS_setgroups, 3, 1L));
    SHOW(syscall(SYS_getresuid, 1L, 1L, 1L));
    SHOW(syscall(SYS_getresgid, 1L, 1L, 1L));
    SHOW(setgroups(0, NULL));
    SHOW(getgroups(8, got));
    return 0;
}

int main(void)
{
    run("setuid", by_setuid);
    run("saved ids", with_saved);
    run("back and forth", back_and_forth);
    run("groups", groups);
    SHOW(setuid(-1));
    SHOW(setgid(-1));
    show_ids("in the end");
    return 0;
}
