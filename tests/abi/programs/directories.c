/* getdents64(2) through readdir(3): every entry once, `.` and `..`, rewinding, removal while reading. */
#include "check.h"
#include <dirent.h>

static int count(DIR *directory, unsigned char *seen, int n)
{
    struct dirent *entry;
    int total = 0;
    memset(seen, 0, n);
    while ((entry = readdir(directory)) != NULL) {
        int number;
        total++;
        if (sscanf(entry->d_name, "file-%d", &number) == 1 && number < n)
            seen[number]++;
    }
    return total;
}

int main(void)
{
    unsigned char seen[300];
    char name[300];
    MUST(mkdir("many", 0755));
    for (int i = 0; i < 300; i++) {
        sprintf(name, "many/file-%d", i);
        int fd = open(name, O_CREAT | O_WRONLY, 0600);
        MUST(fd);
        close(fd);
    }
    DIR *directory = opendir("many");
    printf("entries %d\n", count(directory, seen, 300));
    int once = 0;
    for (int i = 0; i < 300; i++)
        once += seen[i] == 1;
    printf("seen once %d\n", once);
    rewinddir(directory);
    printf("again %d\n", count(directory, seen, 300));
    rewinddir(directory);
    int dots = 0, types = 0;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        dots += strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        types += entry->d_type == DT_REG;
    }
    printf("dots %d regular %d\n", dots, types);
    rewinddir(directory);
    int removed = 0;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        sprintf(name, "many/%s", entry->d_name);
        removed += unlink(name) == 0;
    }
    printf("removed %d\n", removed);
    char small[8];
    int fd = open("many", O_RDONLY | O_DIRECTORY);
    SHOW(syscall(SYS_getdents64, fd, small, sizeof small));
    close(fd);
    closedir(directory);
    SHOW(rmdir("many"));
    fd = open("plain", O_CREAT | O_RDWR, 0600);
    SHOW(syscall(SYS_getdents64, fd, small, sizeof small));
    close(fd);
    unlink("plain");
    return 0;
}
