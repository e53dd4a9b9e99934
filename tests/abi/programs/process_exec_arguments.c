/* execve(2) § Limits on size of arguments and environment, and vectors that are empty or absent. */
#include "process.h"
#include <sys/auxv.h>

extern char **environ;

static int executed(int argc, char **argv)
{
    size_t bytes = 0, entries = 0;
    for (int i = 0; i < argc; i++)
        bytes += strlen(argv[i]) + 1;
    for (char **entry = environ; *entry; entry++)
        entries++;
    printf("%d arguments of %zu bytes, %zu in the environment\n", argc, bytes, entries);
    CHECK(argv[argc] == NULL && environ == argv + argc + 1);
    return 0;
}

static const char *path;

static int one_long(void)
{
    size_t size = 131072; /* MAX_ARG_STRLEN: 32 pages, its NUL included */
    char *word = malloc(size + 1);
    memset(word, 'x', size);
    word[size] = 0;
    char *argv[] = {"long", word, NULL}, *none[] = {NULL};
    SHOW(execve(path, argv, none));
    SHOW(execve(path, none, argv));
    word[size - 1] = 0;
    execve(path, argv, none);
    return 1;
}

static int many(void)
{
    char *argv[5002], *envp[1001];
    for (int i = 0; i < 5001; i++)
        argv[i] = "many";
    for (int i = 0; i < 1000; i++)
        envp[i] = "NAME=value";
    argv[5001] = envp[1000] = NULL;
    execve(path, argv, envp);
    return 1;
}

static int too_many(void)
{
    enum { COUNT = 100 };
    static char word[131000];
    char *argv[COUNT + 1], *none[] = {NULL};
    memset(word, 'y', sizeof word - 1);
    for (int i = 0; i < COUNT; i++)
        argv[i] = word;
    argv[COUNT] = NULL;
    SHOW(execve(path, argv, none)); /* more than a quarter of the stack's limit */
    return 2;
}

static int empty_vector(void)
{
    char *none[] = {NULL};
    execve(path, none, none);
    return 1;
}

static int no_vectors(void)
{
    syscall(SYS_execve, path, NULL, NULL);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 1 || environ[0] == NULL)
        return executed(argc, argv);
    path = own_path();
    run("one long argument", one_long);
    run("many", many);
    run("too many", too_many);
    run("an empty vector", empty_vector);
    run("no vectors", no_vectors);
    return 0;
}
