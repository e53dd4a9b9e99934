/* proc(5): what /proc says of another process, and of one that has executed. */
#include "process.h"
#include <dirent.h>

static struct gate up, go;
static char text[8192];

static long slurp(pid_t pid, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1;
    long length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = 0;
    return length;
}

static int waits(void)
{
    open_gate(up);
    pass_gate(go);
    return 0;
}

static int is_listed(pid_t pid)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    int found = 0;
    while ((entry = readdir(directory)) != NULL)
        found += atoi(entry->d_name) == pid;
    closedir(directory);
    return found;
}

static long number_of(const char *key)
{
    char *line = strstr(text, key);
    return line ? atol(line + strlen(key)) : -1;
}

static void look_at(pid_t pid)
{
    char path[300], link[300] = {0};
    int id = 0, parent = 0, group = 0;
    char name[32], state;
    SHOW(is_listed(pid));
    CHECK(slurp(pid, "stat") > 0);
    CHECK(sscanf(text, "%d (%31[^)]) %c %d %d", &id, name, &state, &parent, &group) == 5);
    CHECK(id == pid && parent == getpid() && group == getpgrp());
    printf("%s %c\n", name, state);
    CHECK(slurp(pid, "status") > 0);
    CHECK(number_of("\nPid:\t") == pid && number_of("\nPPid:\t") == getpid());
    CHECK(number_of("\nTgid:\t") == pid && number_of("\nThreads:\t") == 1);
    CHECK(number_of("\nVmRSS:") > 0);
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    CHECK(readlink(path, link, sizeof link) > 0 && !strcmp(link, own_path()));
    snprintf(path, sizeof path, "/proc/%d/cwd", pid);
    memset(link, 0, sizeof link);
    CHECK(readlink(path, link, sizeof link) > 0 && !strcmp(link, getcwd((char[300]){0}, 300)));
    snprintf(path, sizeof path, "/proc/%d/fd/77", pid);
    memset(link, 0, sizeof link);
    printf("descriptor 77: %s\n", readlink(path, link, sizeof link) > 0 ? link : "none");
    long length = slurp(pid, "cmdline");
    CHECK(length >= (long)strlen(text) + 1);
    printf("last argument: %s\n", length > 0 ? text + length - 1 - strlen(text + strlen(text) + 1) : "");
    CHECK(slurp(pid, "comm") > 0);
    printf("comm %s", text);
    CHECK(slurp(pid, "maps") > 0 && strstr(text, "[stack]"));
}

static int executed(void)
{
    char byte;
    MUST(write(21, "u", 1));
    MUST(read(22, &byte, 1));
    return 0;
}

static int executes(void)
{
    MUST(dup2(up.fds[1], 21));
    MUST(dup2(go.fds[0], 22));
    MUST(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : -1);
    prctl(PR_SET_NAME, "gone");
    become("executed");
    return 1;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return executed();
    up = new_gate();
    go = new_gate();
    MUST(dup2(open("/dev/null", O_RDONLY), 77));
    prctl(PR_SET_NAME, "named");
    pid_t pid = child(waits);
    pass_gate(up);
    CHECK(comes_to(pid, 'S'));
    look_at(pid);
    open_gate(go);
    CHECK(comes_to(pid, 'Z'));
    SHOW(is_listed(pid));
    CHECK(slurp(pid, "status") > 0 && strstr(text, "\nState:\tZ (zombie)\n"));
    reap("forked", pid);
    SHOW(is_listed(pid));
    SHOW(slurp(pid, "stat"));

    pid = child(executes);
    pass_gate(up);
    CHECK(comes_to(pid, 'S'));
    look_at(pid);
    open_gate(go);
    reap("executed", pid);
    close_gate(up);
    close_gate(go);
    return 0;
}
