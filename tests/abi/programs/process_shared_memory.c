/* mmap(2) MAP_SHARED, pthread_mutexattr_setpshared(3), sem_init(3): processes that share memory. */
#include "process.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

static struct {
    pthread_mutex_t mutex, robust;
    pthread_cond_t changed;
    pthread_barrier_t barrier;
    sem_t semaphore;
    int counter, turn;
} *shared;

static int counts(void)
{
    pthread_barrier_wait(&shared->barrier);
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&shared->mutex);
        int seen = shared->counter;
        if (i % 100 == 0)
            sched_yield();
        shared->counter = seen + 1;
        pthread_mutex_unlock(&shared->mutex);
    }
    return 0;
}

static int takes_turns(void)
{
    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&shared->mutex);
        while (shared->turn != 1)
            pthread_cond_wait(&shared->changed, &shared->mutex);
        shared->turn = 0;
        pthread_cond_signal(&shared->changed);
        pthread_mutex_unlock(&shared->mutex);
    }
    return 0;
}

static int posts(void)
{
    for (int i = 0; i < 3; i++)
        sem_post(&shared->semaphore);
    return 0;
}

static int dies_with_the_mutex(void)
{
    pthread_mutex_lock(&shared->robust);
    raise(SIGKILL);
    return 1;
}

static int *file_page;

static int writes_to_file(void)
{
    file_page[1] = 42;
    return file_page[0];
}

static void initialise(void)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;
    pthread_barrierattr_t barrier;
    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->mutex, &mutex);
    pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared->robust, &mutex);
    pthread_condattr_init(&cond);
    pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&shared->changed, &cond);
    pthread_barrierattr_init(&barrier);
    pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&shared->barrier, &barrier, 4);
    sem_init(&shared->semaphore, 1, 0);
}

int main(void)
{
    pid_t pids[4];
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    initialise();
    for (int i = 0; i < 4; i++)
        pids[i] = child(counts);
    for (int i = 0; i < 4; i++)
        reap("counts", pids[i]);
    SHOW(shared->counter);

    pids[0] = child(takes_turns);
    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&shared->mutex);
        while (shared->turn != 0)
            pthread_cond_wait(&shared->changed, &shared->mutex);
        shared->turn = 1;
        pthread_cond_signal(&shared->changed);
        pthread_mutex_unlock(&shared->mutex);
    }
    reap("takes turns", pids[0]);

    pids[0] = child(posts);
    for (int i = 0; i < 3; i++)
        SHOW(sem_wait(&shared->semaphore));
    reap("posts", pids[0]);

    run("dies with the mutex", dies_with_the_mutex);
    CHECK(pthread_mutex_lock(&shared->robust) == EOWNERDEAD);
    SHOW(pthread_mutex_consistent(&shared->robust));
    SHOW(pthread_mutex_unlock(&shared->robust));

    int fd = open("page", O_RDWR | O_CREAT, 0644), value = 0;
    MUST(ftruncate(fd, 4096));
    file_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    file_page[0] = 9;
    run("writes to the file", writes_to_file);
    MUST(pread(fd, &value, 4, 4));
    SHOW(value);
    SHOW(file_page[1]);
    munmap(file_page, 4096);
    file_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    file_page[1] = 1;
    run("writes to its copy", writes_to_file);
    SHOW(file_page[1]);
    munmap(file_page, 4096);
    close(fd);
    unlink("page");
    munmap(shared, sizeof *shared);
    return 0;
}
