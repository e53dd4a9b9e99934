/* What capabilities(7) and getrlimit(2) say it has, and what it may do with them: one fact a line, in
 * a directory with a file `theirs` of user 12345, mode 0600. With an argument it is a second program,
 * executed by the first. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOW(call) show(#call, (long)(call))

static void show(const char *what, long result)
{
    printf("%s = %s\n", what, result < 0 ? strerrorname_np(errno) : "done");
}

static void show_status(void)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status))
        if (strncmp(line, "Cap", 3) == 0 || strncmp(line, "NoNewPrivs", 10) == 0)
            fputs(line, stdout);
    fclose(status);
    for (int capability = 0; capability < 42; capability++)
        printf("%d ", prctl(PR_CAPBSET_READ, capability));
    printf("in the bounding set\n");
}

static void show_sets(const char *when)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    syscall(SYS_capget, &header, data);
    printf("%s: %x %x %x, %x %x %x\n", when, data[0].effective, data[0].permitted,
           data[0].inheritable, data[1].effective, data[1].permitted, data[1].inheritable);
}

static void show_limits(void)
{
    const int resources[] = {RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_STACK, RLIMIT_MEMLOCK};
    for (int i = 0; i < 4; i++) {
        struct rlimit limit;
        getrlimit(resources[i], &limit);
        printf("limit %d: %lx %lx\n", resources[i], limit.rlim_cur, limit.rlim_max);
        limit.rlim_max += 4096;
        if (resources[i] != RLIMIT_CORE)
            SHOW(setrlimit(resources[i], &limit));
    }
    int opened = 0;
    while (dup(0) >= 0)
        opened++;
    printf("%d descriptors, then %s\n", opened, strerrorname_np(errno));
    close_range(3, ~0U, 0);
}

static void use_files(void)
{
    SHOW(open("theirs", O_RDONLY));
    SHOW(open("theirs", O_RDWR));
    SHOW(access("theirs", R_OK));
    SHOW(chmod("theirs", 0600));
    SHOW(chown("theirs", 12345, 54321));
    SHOW(mknod("device", S_IFCHR | 0600, makedev(1, 3)));
    SHOW(mknod("pipe", S_IFIFO | 0600, 0));
    SHOW(chown("pipe", 54321, -1));
    SHOW(chmod("pipe", 02600));
    unlink("pipe");
    unlink("device");
}

static void use_others(void)
{
    static char page[4096];
    char longer[65] = "";
    SHOW(sethostname(longer, sizeof longer));
    SHOW(setpriority(PRIO_PROCESS, 0, -1));
    SHOW(mlock(page, sizeof page));
    pid_t child = fork();
    if (child == 0) {
        if (setresuid(12345, 12345, 12345) != 0)
            _exit(1);
        for (;;)
            pause();
    }
    usleep(100000);
    SHOW(kill(child, SIGKILL));
    pid_t ended = waitpid(child, NULL, WNOHANG);
    printf("%s\n", ended == child || kill(child, 0) == 0 ? "a child" : "somebody else's child");
    if (fork() == 0) { /* whose user is the child's, if it may be */
        setresuid(12345, 12345, 12345);
        kill(child, SIGKILL);
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
}

static void give_up(void)
{
    SHOW(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
    SHOW(prctl(PR_CAPBSET_DROP, 64));
    show_status();
    SHOW(setgroups(0, NULL));
    SHOW(setresgid(77, 77, 77));
    SHOW(setresuid(-1, 77, -1));
    show_sets("effectively another");
    SHOW(setresuid(-1, getuid(), -1));
    show_sets("back");
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{1 << CAP_SETUID, 1 << CAP_SETUID, 1 << CAP_SETUID}};
    SHOW(syscall(SYS_capset, &header, data));
    show_sets("set");
    data[0].permitted |= 1 << CAP_KILL;
    SHOW(syscall(SYS_capset, &header, data));
    header.pid = 1 << 28;
    SHOW(syscall(SYS_capset, &header, data));
    SHOW(prctl(PR_SET_KEEPCAPS, 1));
    SHOW(setresuid(77, 77, 77));
    show_sets("another, and they were kept");
    SHOW(setresuid(0, 0, 0));
    show_sets("if it could come back");
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    show_sets("begun");
    show_status();
    if (argc > 1) {
        give_up();
        return 0;
    }
    show_limits();
    use_files();
    use_others();
    execl("/proc/self/exe", argv[0], "again", NULL);
    return 1;
}
