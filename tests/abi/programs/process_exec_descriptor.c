/* execveat(2), fexecve(3): programs by descriptor, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. */
#include "process.h"

static int executes_descriptor(void)
{
    int fd = open(own_path(), O_RDONLY | O_CLOEXEC);
    char *argv[] = {"fexecve", "executed", NULL}, *none[] = {NULL};
    MUST(fd);
    fexecve(fd, argv, none);
    return 1;
}

static int executes_path_descriptor(void)
{
    int fd = open(own_path(), O_PATH | O_CLOEXEC);
    char *argv[] = {"execveat", "executed", NULL}, *none[] = {NULL};
    MUST(fd);
    execveat(fd, "", argv, none, AT_EMPTY_PATH);
    return 1;
}

static int executes_relative(void)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    char *argv[] = {"relative", "executed", NULL}, *none[] = {NULL};
    execveat(fd, own_path() + 1, argv, none, 0);
    return 1;
}

static int executes_proc_self_exe(void)
{
    execl("/proc/self/exe", "link", "executed", (char *)NULL);
    return 1;
}

int main(int argc, char **argv)
{
    char *none[] = {NULL};
    if (argc > 1) {
        printf("executed as %s\n", argv[0]);
        return 8;
    }
    run("by descriptor", executes_descriptor);
    run("by O_PATH", executes_path_descriptor);
    run("relative to a directory", executes_relative);
    run("by /proc/self/exe", executes_proc_self_exe);
    int fd = open("plain", O_RDWR | O_CREAT, 0644);
    SHOW(execveat(fd, "", none, none, 0));
    SHOW(execveat(fd, "", none, none, AT_EMPTY_PATH));
    SHOW(execveat(99, "x", none, none, 0));
    SHOW(execveat(99, "", none, none, AT_EMPTY_PATH));
    SHOW(execveat(AT_FDCWD, "plain", none, none, 0x4000));
    MUST(symlink("plain", "link"));
    SHOW(execveat(AT_FDCWD, "link", none, none, AT_SYMLINK_NOFOLLOW));
    SHOW(execveat(AT_FDCWD, "link", none, none, 0));
    close(fd);
    unlink("plain");
    unlink("link");
    return 0;
}
