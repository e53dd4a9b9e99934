/* fork(2) in a process of several threads: the child has the calling one only; pthread_atfork(3). */
#include "process.h"
#include <pthread.h>

static struct gate gate;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static __thread int local = 1;
static int prepared, in_parent, in_child;

static void prepare(void)
{
    pthread_mutex_lock(&mutex);
    prepared++;
}

static void parent(void)
{
    in_parent++;
    pthread_mutex_unlock(&mutex);
}

static void after_in_child(void)
{
    in_child++;
    pthread_mutex_unlock(&mutex);
}

static int threads(void)
{
    char text[4096] = {0}, *line;
    int fd = open("/proc/self/status", O_RDONLY);
    MUST(read(fd, text, sizeof text - 1));
    close(fd);
    line = strstr(text, "\nThreads:");
    return line ? atoi(line + 9) : -1;
}

static void *waits(void *arg)
{
    pass_gate(gate);
    return arg;
}

static void *adds(void *arg)
{
    return (char *)arg + local;
}

static int alone(void)
{
    pthread_t thread;
    void *result;
    SHOW(threads());
    CHECK(getpid() == gettid());
    SHOW(local);
    printf("prepared %d, in the parent %d, in the child %d\n", prepared, in_parent, in_child);
    pthread_create(&thread, NULL, adds, (char *)40); /* threads can be made in it */
    pthread_join(thread, &result);
    SHOW((long)result);
    SHOW(threads());
    return 0;
}

static void *forks(void *arg)
{
    local = 5;
    run("child of a thread", alone);
    SHOW(threads());
    return arg;
}

static void *forks_and_ends(void *arg)
{
    *(pid_t *)arg = fork();
    if (*(pid_t *)arg == 0)
        _exit(getppid() == *((pid_t *)arg + 1) ? 8 : 1);
    return NULL;
}

int main(void)
{
    pthread_t waiting[3], thread;
    pid_t ids[2] = {0, getpid()};
    gate = new_gate();
    pthread_atfork(prepare, parent, after_in_child);
    for (int i = 0; i < 3; i++)
        pthread_create(&waiting[i], NULL, waits, NULL);
    run("child of the first thread", alone);
    pthread_create(&thread, NULL, forks, NULL);
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, forks_and_ends, ids);
    pthread_join(thread, NULL);
    reap("child of a thread that ended", ids[0]); /* any thread may wait for it */
    printf("prepared %d, in the parent %d, in the child %d\n", prepared, in_parent, in_child);
    for (int i = 0; i < 3; i++)
        open_gate(gate);
    for (int i = 0; i < 3; i++)
        pthread_join(waiting[i], NULL);
    close_gate(gate);
    return 0;
}
