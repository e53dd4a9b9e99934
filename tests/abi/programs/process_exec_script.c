/* execve(2) § Interpreter scripts: the arguments the interpreter gets, nesting, and limits. */
#include "process.h"

static void put(const char *path, const char *first, const char *second)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    MUST(fd);
    dprintf(fd, "%s%s", first, second);
    close(fd);
    MUST(chmod(path, 0755));
}

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int executed(int argc, char **argv)
{
    printf("interpreter with %d:", argc);
    for (int i = 0; i < argc; i++)
        printf(" [%s]", base(argv[i]));
    printf("\n");
    return 0;
}

static const char *script;

static int runs_script(void)
{
    execl(script, "zero", "first", "second", (char *)NULL);
    printf("%s: %s\n", script, strerrorname_np(errno));
    return 1;
}

static void try(const char *what, const char *name)
{
    script = name;
    run(what, runs_script);
}

int main(int argc, char **argv)
{
    char line[4200];
    if (argc > 1)
        return executed(argc, argv);
    const char *path = own_path();
    snprintf(line, sizeof line, "#!%s", path);
    put("plain", line, "\nrest\n");
    try("plain", "./plain");
    put("spaces", "#! \t ", path);
    try("no end of line, blanks before", "./spaces");
    snprintf(line, sizeof line, "#!%s  one argument with blanks \t \n", path);
    put("argument", line, "");
    try("one argument", "./argument");
    snprintf(line, sizeof line, "#!%s/argument inner\n", getcwd((char[300]){0}, 300));
    put("nested", line, "");
    try("nested", "./nested");
    put("none", "#!\n", "");
    try("no interpreter", "./none");
    put("blank", "#!   \n", "");
    try("blank", "./blank");
    put("relative", "#!plain\n", "");
    try("relative interpreter", "./relative");
    put("itself", "#!./itself\n", "");
    try("its own interpreter", "./itself");
    put("directory", "#!/\n", "");
    try("a directory", "./directory");
    memset(line, 'l', sizeof line);
    memcpy(line, "#!/", 3);
    line[300] = 0;
    put("long", line, "\n");
    try("longer than 256 bytes", "./long");
    const char *left[] = {"plain", "spaces", "argument", "nested", "none", "blank",
                          "relative", "itself", "directory", "long"};
    for (unsigned i = 0; i < sizeof left / sizeof *left; i++)
        MUST(unlink(left[i]));
    return 0;
}
