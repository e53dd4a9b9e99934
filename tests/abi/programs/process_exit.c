/* exit(3), _exit(2), exit_group(2), atexit(3): how processes of one and of several threads end. */
#include "process.h"
#include <pthread.h>

static pthread_t first;

static void said_last(void)
{
    printf("said last\n");
}

static void said_first(void)
{
    printf("said first\n");
}

static int exits(void)
{
    atexit(said_last);
    atexit(said_first);
    exit(31);
}

static int exits_at_once(void)
{
    atexit(said_first);
    printf("flushed\n");
    _exit(32);
}

static int loses_its_buffer(void)
{
    static char buffer[4096];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    printf("never written\n");
    _exit(33);
}

static void *waits(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void *exits_for_all(void *arg)
{
    sleep_ms(5);
    exit((int)(long)arg);
}

static void *returns(void *arg)
{
    sleep_ms(20);
    return arg;
}

static void *after_the_first(void *arg)
{
    pthread_join(first, NULL);
    printf("the first thread has ended\n");
    return arg;
}

static int thread_exits(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, waits, NULL);
    pthread_create(&thread, NULL, exits_for_all, (void *)34L);
    pause();
    return 1;
}

static int first_returns(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, waits, NULL);
    exit(35); /* as returning from main does */
}

static int first_ends_only(void)
{
    pthread_t thread;
    first = pthread_self();
    pthread_create(&thread, NULL, returns, NULL);
    pthread_create(&thread, NULL, after_the_first, NULL);
    pthread_exit(NULL); /* glibc lets the last to end exit with 0 */
}

static void *exits_alone(void *arg)
{
    sleep_ms(20);
    syscall(SYS_exit, 1);
    return arg;
}

static int raw_exit_of_one(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, exits_alone, NULL);
    syscall(SYS_exit, 36); /* the status of the last to end is the process's */
    return 1;
}

static void *faults(void *arg)
{
    *(volatile int *)16 = 1;
    return arg;
}

static int thread_faults(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, faults, NULL);
    pause();
    return 1;
}

static int zombie_leader(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, waits, NULL);
    pthread_exit(NULL);
}

int main(void)
{
    run("exits", exits);
    run("exits at once", exits_at_once);
    run("loses its buffer", loses_its_buffer);
    run("a thread exits", thread_exits);
    run("the first returns", first_returns);
    run("the first ends only", first_ends_only);
    run("exit of one", raw_exit_of_one);
    run("a thread faults", thread_faults);
    pid_t pid = child(zombie_leader);
    CHECK(comes_to(pid, 'Z'));
    SHOW(waitpid(pid, NULL, WNOHANG)); /* not while another thread runs */
    SHOW(kill(pid, SIGTERM));
    reap("ended by a signal", pid);
    return 0;
}
