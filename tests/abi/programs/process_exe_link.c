/* proc(5) /proc/pid/exe: of a program whose file is gone, and whose name is another file's. */
#include "check.h"
#include "process.h"
#include <sys/sendfile.h>

static void copy(const char *path)
{
    struct stat status;
    int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_CREAT | O_RDWR, 0755);
    MUST(fstat(from, &status));
    while (lseek(to, 0, SEEK_CUR) < status.st_size)
        MUST(sendfile(to, from, NULL, status.st_size));
    close(from);
    close(to);
}

static void show_end(void)
{
    char target[200] = "";
    MUST(readlink("/proc/self/exe", target, sizeof target - 1));
    printf("%s\n", strrchr(target, '/'));
}

static int without_file(void)
{
    struct stat status;
    show_end();
    unlink("copy");
    close(open("copy", O_CREAT | O_WRONLY, 0644));
    show_end();
    CHECK(open("/proc/self/exe", O_RDONLY) >= 0);
    SHOW(stat("/proc/self/exe", &status));
    CHECK(status.st_size > 1000 && status.st_nlink == 0);
    fflush(stdout);
    execl("/proc/self/exe", "x", "y", "z", NULL);
    return errno;
}

static int begin(void)
{
    execl("./copy", "copy", "x", NULL);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        show_end();
        return 7;
    }
    if (argc == 2)
        return without_file();
    copy("copy");
    fflush(stdout);
    run("copy", begin);
    SHOW(unlink("copy"));
    return 0;
}
