/* getdents(2), telldir(3), seekdir(3), rewinddir(3): positions, and changes made while reading. */
#include "check.h"
#include <dirent.h>

enum { COUNT = 40 };

static void fill(void)
{
    char name[16];
    mkdir("d", 0755);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "d/n%02d", i);
        close(open(name, O_WRONLY | O_CREAT, 0644));
    }
}

/* How many of the first names are met, each more than once counting apart. */
static void count(DIR *directory, const char *when)
{
    int seen = 0, dots = 0;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        seen += entry->d_name[0] == 'n';
        dots += entry->d_name[0] == '.';
    }
    printf("%s: %d and %d dots\n", when, seen, dots);
}

static void positions(void)
{
    char names[COUNT + 2][16];
    long at[COUNT + 3];
    struct dirent *entry;
    int total = 0, wrong = 0;
    DIR *directory = opendir("d");
    for (at[0] = telldir(directory); (entry = readdir(directory)) != NULL;) {
        snprintf(names[total], sizeof *names, "%.15s", entry->d_name);
        at[++total] = telldir(directory);
    }
    SHOW(total);
    for (int i = total - 1; i >= 0; i--) {
        seekdir(directory, at[i]);
        entry = readdir(directory);
        wrong += entry == NULL || strcmp(entry->d_name, names[i]) != 0;
    }
    SHOW(wrong);
    seekdir(directory, at[total]);
    CHECK(readdir(directory) == NULL);
    rewinddir(directory);
    count(directory, "rewound");
    closedir(directory);
}

static void changes(void)
{
    struct dirent *entry;
    DIR *directory = opendir("d");
    CHECK(readdir(directory) != NULL);
    for (int i = 0; i < COUNT; i += 2) {
        char name[16];
        snprintf(name, sizeof name, "d/n%02d", i);
        MUST(unlink(name));
    }
    rewinddir(directory);
    count(directory, "half of them removed");
    close(open("d/nnew", O_WRONLY | O_CREAT, 0644));
    rewinddir(directory);
    count(directory, "and one made");
    rewinddir(directory);
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] == 'n')
            MUST(unlinkat(dirfd(directory), entry->d_name, 0));
    rewinddir(directory);
    count(directory, "all removed");
    SHOW(rmdir("d"));
    rewinddir(directory);
    errno = 0;
    CHECK(readdir(directory) == NULL);
    closedir(directory);
}

static void raw(void)
{
    char buffer[4096];
    int fd = open("d", O_RDONLY | O_DIRECTORY), file = open("d/n00", O_RDONLY);
    SHOW(read(fd, buffer, 16));
    SHOW(write(fd, buffer, 16));
    SHOW(pread(fd, buffer, 16, 0));
    SHOW(syscall(SYS_getdents64, fd, buffer, 0));
    SHOW(syscall(SYS_getdents64, fd, buffer, 23));
    SHOW(syscall(SYS_getdents64, fd, (void *)1, sizeof buffer));
    CHECK(syscall(SYS_getdents64, fd, buffer, sizeof buffer) > 0);
    SHOW(syscall(SYS_getdents64, file, buffer, sizeof buffer));
    SHOW(syscall(SYS_getdents64, 99, buffer, sizeof buffer));
    SHOW(syscall(SYS_getdents64, 99, (void *)1, sizeof buffer));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, 0, 9));
    SHOW(ftruncate(fd, 0));
    SHOW(fsync(fd));
    int copy = dup(fd);
    SHOW(lseek(fd, 0, SEEK_SET));
    while (syscall(SYS_getdents64, fd, buffer, sizeof buffer) > 0)
        ;
    SHOW(syscall(SYS_getdents64, copy, buffer, sizeof buffer)); /* the position is shared */
    close(copy);
    close(fd);
    close(file);
    SHOW(open("d", O_WRONLY));
    SHOW(open("d", O_RDWR | O_DIRECTORY));
    SHOW(open("d", O_RDONLY | O_CREAT, 0644));
    SHOW(open("d/n00", O_RDONLY | O_DIRECTORY));
}

int main(void)
{
    fill();
    raw();
    positions();
    changes();
    return 0;
}
