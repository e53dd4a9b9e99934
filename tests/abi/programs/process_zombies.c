/* wait(2) § NOTES: what is left of a process until it is waited for. */
#include "process.h"

static int exits_2(void)
{
    return 2;
}

int main(void)
{
    char path[64], target[64];
    pid_t pid = child(exits_2);
    CHECK(comes_to(pid, 'Z'));
    SHOW(kill(pid, 0));
    SHOW(kill(pid, SIGTERM));
    SHOW(kill(pid, SIGSTOP));
    CHECK(getpgid(pid) == getpgrp());
    CHECK(getsid(pid) == getsid(0));
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    SHOW(readlink(path, target, sizeof target));
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    int fd = open(path, O_RDONLY);
    SHOW(read(fd, target, sizeof target));
    close(fd);
    reap("zombie", pid);
    SHOW(kill(pid, 0));
    SHOW(getpgid(pid));
    SHOW(getsid(pid));
    CHECK(state_of(pid) == '-');
    SHOW(access(path, F_OK));
    return 0;
}
