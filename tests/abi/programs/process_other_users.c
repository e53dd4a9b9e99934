/* ptrace(2), Ptrace access mode checking; prlimit(2), sched_setaffinity(2), proc(5): what a process
 * keeps from those of other users. */
#include "process.h"
#include <dirent.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static pid_t other;
static char text[256];

static const char *of_other(const char *entry)
{
    static char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", other, entry);
    return path;
}

static void files(void)
{
    struct stat status;
    SHOW(open(of_other("environ"), O_RDONLY));
    SHOW(open(of_other("auxv"), O_RDONLY));
    SHOW(open(of_other("maps"), O_RDONLY));
    SHOW(open(of_other("smaps"), O_RDONLY));
    SHOW(readlink(of_other("exe"), text, sizeof text));
    SHOW(readlink(of_other("cwd"), text, sizeof text));
    SHOW(open(of_other("root"), O_RDONLY));
    CHECK(opendir(of_other("fd")) == NULL);
    SHOW(open(of_other("fd/0"), O_RDONLY));
    SHOW(access(of_other("maps"), R_OK));
    SHOW(access(of_other("comm"), R_OK));
    SHOW(access(of_other("stat"), R_OK));
    SHOW(access(of_other("status"), R_OK));
    MUST(stat(of_other("environ"), &status));
    printf("%o of %d\n", status.st_mode, status.st_uid);
    MUST(stat(of_other("fd"), &status));
    printf("%o of %d\n", status.st_mode, status.st_uid);
}

static void calls(int fd)
{
    struct rlimit limit;
    struct sched_param parameter = {0};
    cpu_set_t processors;
    void *head;
    size_t size;
    SHOW(syscall(SYS_pidfd_getfd, fd, 0, 0));
    SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
    SHOW(prlimit(other, RLIMIT_NOFILE, NULL, &limit));
    limit.rlim_cur = limit.rlim_max = 5;
    SHOW(prlimit(other, RLIMIT_NOFILE, &limit, NULL));
    SHOW(setpriority(PRIO_PROCESS, other, 5));
    SHOW(sched_setscheduler(other, SCHED_BATCH, &parameter));
    SHOW(sched_setparam(other, &parameter));
    CPU_ZERO(&processors);
    CPU_SET(0, &processors);
    SHOW(sched_setaffinity(other, sizeof processors, &processors));
    SHOW(syscall(SYS_get_robust_list, other, &head, &size));
}

static void of_own(void)
{
    struct rlimit limit;
    CHECK(prctl(PR_GET_DUMPABLE) != 1); /* other ids than before were taken on */
    SHOW(prlimit(0, RLIMIT_NOFILE, NULL, &limit));
    SHOW(prlimit(getpid(), RLIMIT_NOFILE, NULL, &limit));
    CHECK(open("/proc/self/maps", O_RDONLY) >= 0);
    CHECK(readlink("/proc/self/exe", text, sizeof text) > 0);
    CHECK(opendir("/proc/self/task") != NULL);
}

int main(void)
{
    int told[2], status;
    char path[32], byte;
    struct stat found;
    other = getpid();
    MUST(pipe(told));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        MUST(setgid(1000));
        MUST(setuid(1000));
        int fd = syscall(SYS_pidfd_open, other, 0);
        CHECK(fd >= 0);
        files();
        calls(fd);
        of_own();
        fflush(stdout);
        MUST(write(told[1], "x", 1));
        pause();
    }
    MUST(read(told[0], &byte, 1));
    snprintf(path, sizeof path, "/proc/%d", child);
    MUST(stat(path, &found));
    SHOW(found.st_uid);
    SHOW(found.st_gid);
    kill(child, SIGKILL);
    MUST(waitpid(child, &status, 0));
    return 0;
}
