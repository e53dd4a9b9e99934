/* execve(2): called by one of several threads, which takes the process's id; the others are gone. */
#include "process.h"
#include <pthread.h>

static const char *path;
static struct gate gate;

static void *waits(void *arg)
{
    pass_gate(gate);
    return arg;
}

static void *sleeps(void *arg)
{
    sleep_ms(10000);
    return arg;
}

static void *spins(void *arg)
{
    for (;;)
        sched_yield();
    return arg;
}

static void *executes(void *arg)
{
    char id[32];
    sleep_ms(20);
    snprintf(id, sizeof id, "%d", getpid());
    execl(path, path, id, (char *)NULL);
    return arg;
}

static int threads_of_status(void)
{
    char text[4096] = {0};
    int fd = open("/proc/self/status", O_RDONLY);
    MUST(read(fd, text, sizeof text - 1));
    close(fd);
    char *line = strstr(text, "\nThreads:");
    return line ? atoi(line + 9) : -1;
}

static int with_threads(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, waits, NULL);
    pthread_create(&thread, NULL, sleeps, NULL);
    pthread_create(&thread, NULL, spins, NULL);
    pthread_create(&thread, NULL, executes, NULL);
    pthread_join(thread, NULL);
    return 1;
}

static int failing(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, waits, NULL);
    SHOW(execl("absent", "absent", (char *)NULL));
    SHOW(threads_of_status()); /* a call that fails ends nobody */
    open_gate(gate);
    pthread_join(thread, NULL);
    return 3;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        CHECK(atoi(argv[1]) == getpid() && gettid() == getpid());
        SHOW(threads_of_status());
        return 4;
    }
    path = own_path();
    gate = new_gate();
    run("executed by a thread", with_threads);
    run("failed", failing);
    close_gate(gate);
    return 0;
}
