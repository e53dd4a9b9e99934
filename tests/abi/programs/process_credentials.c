/* credentials(7): ids belong to a process, are inherited, and kept by execve(2). */
#include "process.h"
#include <grp.h>

static void show_ids(void)
{
    uid_t user[3];
    gid_t group[3], groups[8];
    getresuid(&user[0], &user[1], &user[2]);
    getresgid(&group[0], &group[1], &group[2]);
    int count = getgroups(8, groups);
    printf("users %d %d %d, groups %d %d %d, more:", user[0], user[1], user[2], group[0], group[1],
           group[2]);
    for (int i = 0; i < count; i++)
        printf(" %d", groups[i]);
    printf("\n");
}

static int shows(void)
{
    show_ids();
    return 0;
}

static int drops(void)
{
    gid_t groups[] = {7, 8};
    MUST(setgroups(2, groups));
    MUST(setresgid(10, 11, 12));
    MUST(setresuid(20, 21, 22));
    show_ids();
    run("inherits", shows);
    SHOW(setuid(0));
    SHOW(setresuid(22, 20, 21));
    show_ids();
    SHOW(setgid(10));
    SHOW(setgroups(0, NULL));
    execl("/proc/self/exe", "self", "executed", (char *)NULL); /* the saved ids become copies of the effective ones */
    return 1;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return shows();
    MUST(setgroups(0, NULL));
    run("drops", drops);
    show_ids();
    return 0;
}
