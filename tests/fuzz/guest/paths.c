/* Paths, of what the guest has and of what it has not. */
#include "fuzz.h"

static const char *const paths[] = {
    "a", "b", "c", "d", "d/a", "d/d", "d/d/d", "../work/a", "/work/a", "/work", "/tmp", "/tmp/f",
    "/", "", ".", "..", "/proc", "/proc/self/maps", "/proc/self/status", "/proc/self/fd",
    "/proc/self/fd/5", "/proc/self/exe", "/proc/self/task", "/proc/1/stat", "/proc/meminfo",
    "/proc/sys/kernel/hostname", "/proc/net/tcp", "/proc/self/mounts", "/proc/self/cmdline", "/dev",
    "/dev/null", "/dev/zero", "/dev/urandom", "/dev/ptmx", "/dev/pts", "/dev/pts/0", "/dev/shm/x",
    "/dev/tty", "/none/x", "a/", "//tmp//../tmp/./f", "/sys", "user.a", "user.b", "trusted.a",
    "security.capability", "system.posix_acl_access", "/q0", "/q1", "q2", "/dev/mqueue/q0",
};

word write_path(struct fuzzer *fuzzer, word at)
{
    char *to = (char *)at;
    if (one_in(fuzzer, 16)) { /* a name that is too long, or nearly */
        word length = 250 + below(fuzzer, 10);
        for (word i = 0; i < length; i++)
            to[i] = one_in(fuzzer, 60) ? '/' : 'x';
        to[length] = 0;
        return length;
    }
    const char *from = paths[below(fuzzer, sizeof paths / sizeof *paths)];
    word length = 0;
    while ((to[length] = from[length]))
        length++;
    return length;
}
