/* proc(5): what a program may ask about itself and the machine. */
#include "check.h"
#include <dirent.h>
#include <sys/mman.h>

static char text[65536];

static long slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1;
    long length = 0, got;
    while ((got = read(fd, text + length, 1000)) > 0 && length < 60000)
        length += got;
    text[length] = 0;
    close(fd);
    return got < 0 ? -1 : length;
}

static void descriptors(void)
{
    char link[64], target[256] = {0};
    int fd = open("a file", O_RDWR | O_CREAT, 0644), count = 0, pipes[2];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    CHECK(readlink(link, target, sizeof target) > 0 && strstr(target, "/a file"));
    MUST(write(fd, "xyz", 3));
    int again = open(link, O_RDONLY);
    SHOW(read(again, text, 10));
    close(again);
    unlink("a file");
    memset(target, 0, sizeof target);
    CHECK(readlink(link, target, sizeof target) > 0 && strstr(target, "/a file (deleted)"));
    pipe(pipes);
    snprintf(link, sizeof link, "/proc/self/fd/%d", pipes[0]);
    CHECK(readlink(link, target, sizeof target) > 0 && !strncmp(target, "pipe:[", 6));
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory))
        count++;
    closedir(directory);
    SHOW(count);
    close(pipes[0]);
    close(pipes[1]);
    close(fd);
    SHOW(readlink(link, target, sizeof target));
}

int main(int argc, char **argv)
{
    char path[256] = {0}, *line;
    long length = readlink("/proc/self/exe", path, sizeof path);
    CHECK(length > 0 && strstr(path, "/proc_self"));
    struct stat by_exe, by_name;
    SHOW(stat("/proc/self/exe", &by_exe));
    CHECK(stat(path, &by_name) == 0 && by_exe.st_ino == by_name.st_ino);
    length = slurp("/proc/self/cmdline");
    CHECK(length == (long)strlen(argv[0]) + 1 && !strcmp(text, argv[0]) && argc == 1);
    slurp("/proc/self/comm");
    printf("%s", text);
    slurp("/proc/self/status");
    CHECK(!strncmp(text, "Name:\tproc_self\n", 16));
    CHECK((line = strstr(text, "\nPid:\t")) && atoi(line + 6) == getpid());
    CHECK(strstr(text, "\nUid:\t0\t0\t0\t0\n") && strstr(text, "\nThreads:\t1\n"));
    CHECK((line = strstr(text, "\nVmRSS:")) && atol(line + 7) > 0);
    slurp("/proc/self/stat");
    int pid = 0;
    char name[32], state;
    CHECK(sscanf(text, "%d (%31[^)]) %c", &pid, name, &state) == 3 && pid == getpid());
    printf("%s %c\n", name, state);
    int spaces = 0;
    for (char *c = text; *c; c++)
        spaces += *c == ' ';
    SHOW(spaces);

    void *mapped = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char want[64];
    slurp("/proc/self/maps");
    munmap(mapped, 8192);
    CHECK(strstr(text, "[stack]") && strstr(text, "/proc_self\n") && strstr(text, "r-xp"));
    CHECK(strstr(text, "[vdso]") && strstr(text, "[heap]"));
    unsigned long start, end, found = 0;
    for (line = text; line && *line; line = strchr(line, '\n'), line += line != NULL)
        if (sscanf(line, "%lx-%lx", &start, &end) == 2)
            found += start <= (unsigned long)mapped && (unsigned long)mapped + 8192 <= end;
    SHOW(found);
    snprintf(want, sizeof want, "/proc/%d/stat", getpid());
    CHECK(slurp(want) > 0);
    CHECK(slurp("/proc/cpuinfo") > 0 && strstr(text, "processor\t: 0") && strstr(text, "flags\t"));
    CHECK(slurp("/proc/meminfo") > 0 && strstr(text, "MemTotal:") && strstr(text, "MemFree:"));
    CHECK(strstr(text, "MemAvailable:") != NULL);
    CHECK(slurp("/proc/stat") > 0 && !strncmp(text, "cpu ", 4));
    CHECK(slurp("/proc/sys/kernel/osrelease") > 0 && slurp("/proc/sys/net/core/somaxconn") > 0);
    SHOW(slurp("/proc/absent"));
    SHOW(open("/proc/self/stat", O_WRONLY | O_CREAT | O_EXCL, 0644));
    SHOW(mkdir("/proc/x", 0755));
    descriptors();
    return 0;
}
