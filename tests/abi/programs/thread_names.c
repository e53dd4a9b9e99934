/* pthread_setname_np(3) of another thread, and proc(5) /proc/pid/comm, that both are written to. */
#include "check.h"
#include "process.h"
#include <pthread.h>
#include <sys/prctl.h>

static int ends[2];

static void *wait_for_end(void *unused)
{
    char byte;
    read(ends[0], &byte, 1);
    return NULL;
}

static void show_own(const char *given)
{
    char name[32] = "";
    int fd = open("/proc/self/comm", O_WRONLY | O_TRUNC);
    SHOW(write(fd, given, strlen(given)));
    close(fd);
    MUST(prctl(PR_GET_NAME, name));
    printf("'%s'\n", name);
}

static int show_of_parent(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", getppid());
    int fd = open(path, O_WRONLY);
    SHOW(write(fd, "x", 1));
    fflush(stdout);
    return 0;
}

int main(void)
{
    pthread_t thread;
    char name[32] = "";
    struct stat status;
    MUST(pipe(ends));
    pthread_create(&thread, NULL, wait_for_end, NULL);
    SHOW(pthread_setname_np(thread, "worker"));
    SHOW(pthread_getname_np(thread, name, sizeof name));
    printf("'%s'\n", name);
    SHOW(stat("/proc/self/comm", &status));
    printf("%o\n", status.st_mode);
    show_own("abc");
    show_own("a name that is too long");
    show_own("a line\n");
    fflush(stdout);
    run("another process", show_of_parent);
    close(ends[1]);
    pthread_join(thread, NULL);
    return 0;
}
