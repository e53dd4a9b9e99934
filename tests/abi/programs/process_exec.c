/* execve(2): arguments, environment and identity after it, and every refusal root can meet. */
#include "process.h"

static int executed(int argc, char **argv)
{
    extern char **environ;
    printf("executed with %d arguments:", argc);
    for (int i = 1; i < argc; i++)
        printf(" [%s]", argv[i]);
    printf("\n");
    for (char **entry = environ; *entry; entry++)
        printf("environment: %s\n", *entry);
    return 12;
}

static char *const none[] = {NULL};

static int executes(void)
{
    char expected[32];
    char *const argv[] = {"any name", "again", "", "two words", NULL};
    char *const envp[] = {"A=1", "B=", "no equals sign", NULL};
    snprintf(expected, sizeof expected, "%d", getpid());
    execve(own_path(), argv, envp);
    return 1;
}

static int keeps_its_id(void)
{
    char id[32];
    const char *path = own_path();
    snprintf(id, sizeof id, "%d", getpid());
    execl(path, path, "id", id, (char *)NULL);
    return 1;
}

static void put(const char *path, const char *text, int mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    MUST(write(fd, text, strlen(text)));
    close(fd);
}

static void refusals(void)
{
    char name[300];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    SHOW(execve("absent", none, none));
    SHOW(execve("", none, none));
    SHOW(execve(".", none, none));
    SHOW(execve("absent/program", none, none));
    SHOW(execve(name, none, none));
    put("plain", "\177ELF", 0644);
    SHOW(execve("plain", none, none));
    SHOW(execve("plain/program", none, none));
    MUST(chmod("plain", 0755));
    SHOW(execve("plain", none, none));
    put("text", "no program\n", 0755);
    MUST(chmod("text", 0755));
    SHOW(execve("text", none, none));
    put("empty", "", 0755);
    SHOW(execve("empty", none, none));
    put("script", "#!/absent/interpreter\n", 0755);
    SHOW(execve("script", none, none));
    MUST(symlink("loop", "loop"));
    SHOW(execve("loop", none, none));
    SHOW(execve((char *)1, none, none));
    SHOW(execve(own_path(), (char **)1, none));
    SHOW(execve(own_path(), none, (char **)1));
    char *const bad[] = {(char *)1, NULL};
    SHOW(execve(own_path(), bad, none));
    SHOW(execve(own_path(), none, bad));
    const char *left[] = {"plain", "text", "empty", "script", "loop"};
    for (int i = 0; i < 5; i++)
        MUST(unlink(left[i]));
}

int main(int argc, char **argv)
{
    if (argc > 2 && !strcmp(argv[1], "id"))
        return atoi(argv[2]) == getpid() && gettid() == getpid() ? 13 : 1;
    if (argc > 1)
        return executed(argc, argv);
    run("executes", executes);
    run("keeps its id", keeps_its_id);
    refusals();
    printf("still here\n");
    return 0;
}
