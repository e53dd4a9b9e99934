/* Prints what execve(2) and credentials(7) gave it, one fact a line; exits with its last argument. */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
    char directory[4096];
    gid_t groups[32];
    int count = getgroups(32, groups);
    mode_t mask = umask(0);

    for (int i = 0; i < argc; i++)
        printf("arg %s\n", argv[i]);
    for (char **variable = environ; *variable; variable++)
        printf("env %s\n", *variable);
    printf("cwd %s\n", getcwd(directory, sizeof directory));
    printf("ids %d %d %d %d\n", getuid(), geteuid(), getgid(), getegid());
    printf("groups");
    for (int i = 0; i < count; i++)
        printf(" %d", groups[i]);
    printf("\numask %03o\n", (unsigned)mask);
    return atoi(argv[argc - 1]);
}
