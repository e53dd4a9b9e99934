/* mkdir(2), rmdir(2), getdents(2), getcwd(2), chdir(2), fchdir(2): errors, and complete listings. */
#include "check.h"
#include <dirent.h>

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path)
{
    char *names[600];
    int count = 0;
    DIR *directory = opendir(path);
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        static const char kinds[] = "?pc?d?b?f?l?s";
        if (asprintf(&names[count++], "%s %c", entry->d_name, kinds[entry->d_type % 13]) < 0)
            exit(1);
    }
    closedir(directory);
    qsort(names, count, sizeof *names, compare);
    printf("%s has %d:", path, count);
    for (int i = 0; i < count; i++) {
        if (count < 10)
            printf(" [%s]", names[i]);
        free(names[i]);
    }
    printf("\n");
}

static void many(void)
{
    char name[64], buffer[512];
    mkdir("m", 0755);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "m/a rather long name of a file %d", i);
        close(open(name, O_WRONLY | O_CREAT, 0644));
    }
    list("m");
    int fd = open("m", O_RDONLY | O_DIRECTORY), entries = 0;
    long got;
    SHOW(syscall(SYS_getdents64, fd, buffer, 8));
    while ((got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0)
        for (long at = 0; at < got; at += ((struct dirent64 *)(buffer + at))->d_reclen)
            entries++;
    SHOW(entries);
    SHOW(got);
    SHOW(lseek(fd, 0, SEEK_SET));
    CHECK(syscall(SYS_getdents64, fd, buffer, sizeof buffer) > 0);
    close(fd);
    DIR *directory = opendir("m"); /* removing while reading leaves none out */
    struct dirent *entry;
    int removed = 0;
    while ((entry = readdir(directory)) != NULL)
        removed += unlinkat(dirfd(directory), entry->d_name, 0) == 0;
    closedir(directory);
    SHOW(removed);
    SHOW(rmdir("m"));
}

static void working(void)
{
    char start[256], path[256];
    CHECK(getcwd(start, sizeof start) == start);
    int here = open(".", O_RDONLY | O_DIRECTORY);
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    SHOW(chdir("d/e"));
    CHECK(getcwd(path, sizeof path) && !strcmp(path + strlen(path) - 4, "/d/e"));
    SHOW(syscall(SYS_getcwd, path, 3));
    SHOW(syscall(SYS_getcwd, path, sizeof path) == (long)strlen(start) + 5);
    SHOW(chdir(".."));
    SHOW(chdir("absent"));
    SHOW(rmdir("e"));
    SHOW(fchdir(here));
    CHECK(getcwd(path, sizeof path) && !strcmp(path, start));
    SHOW(chdir("d"));
    SHOW(rmdir("../d"));
    SHOW(syscall(SYS_getcwd, path, sizeof path));
    SHOW(open("x", O_WRONLY | O_CREAT, 0644));
    SHOW(fchdir(here));
    SHOW(fchdir(99));
    SHOW(fchdir(1));
    SHOW(chdir("/"));
    SHOW(chdir("../.."));
    CHECK(getcwd(path, sizeof path) && !strcmp(path, "/"));
    SHOW(fchdir(here));
    close(here);
}

int main(void)
{
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d/", 0755));
    SHOW(mkdir(".", 0755));
    SHOW(mkdir("/", 0755));
    SHOW(mkdir("absent/d", 0755));
    SHOW(mkdir("d/sub/", 0755));
    SHOW(symlink("nowhere", "s"));
    SHOW(mkdir("s", 0755));
    close(open("f", O_WRONLY | O_CREAT, 0644));
    SHOW(mkdir("f/d", 0755));
    list("d");
    list(".");
    SHOW(rmdir("d"));
    SHOW(rmdir("d/sub/."));
    SHOW(rmdir("d/sub/.."));
    SHOW(rmdir("f"));
    SHOW(rmdir("absent"));
    SHOW(rmdir("/"));
    SHOW(rmdir("d/sub/"));
    SHOW(rmdir("d"));
    unlink("f");
    unlink("s");
    working();
    many();
    return 0;
}
