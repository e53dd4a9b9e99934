/* fork(2) and memory: shared mappings stay shared, private ones part; futex(2) and process-shared
 * pthread_mutex_t, pthread_cond_t and sem_t between processes; robust mutexes of a killed process. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096

static long futex(uint32_t *address, int op, uint32_t value, void *timeout)
{
    return syscall(SYS_futex, address, op, value, timeout, NULL, 0);
}

static void *share(int fd)
{
    int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
    void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void ended(const char *what, pid_t child)
{
    int status;
    MUST(waitpid(child, &status, 0));
    if (WIFSIGNALED(status))
        printf("%s: killed by %s\n", what, strsignal(WTERMSIG(status)));
    else
        printf("%s: %d\n", what, WEXITSTATUS(status));
}

static char in_data[PAGE] = "data";

static void what_is_shared(void)
{
    char *shared = share(-1), *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = memfd_create("file", 0);
    MUST(ftruncate(fd, PAGE));
    char *file = share(fd), *copy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *untouched = share(-1);
    strcpy(shared, "before");
    strcpy(own, "before");
    strcpy(file, "before");
    pid_t child = fork();
    if (child == 0) {
        int sees = !strcmp(shared, "before") && !strcmp(own, "before") && !strcmp(copy, "before");
        strcpy(shared, "child");
        strcpy(own, "child");
        strcpy(file, "child");
        strcpy(in_data, "child");
        strcpy(untouched, "child");
        pwrite(fd, "!", 1, 5);
        _exit(sees ? 3 : 4);
    }
    ended("a child that writes", child);
    printf("%s %s %s %s %s %s\n", shared, own, file, copy, in_data, untouched);
    child = fork();
    if (child == 0) {
        strcpy(copy, "own");
        madvise(shared, PAGE, MADV_DONTNEED);
        madvise(own, PAGE, MADV_DONTNEED);
        int sees = !strcmp(shared, "child") && own[0] == 0;
        munmap(shared, PAGE);
        _exit(sees ? 3 : 4);
    }
    ended("a child that forgets", child);
    printf("%s %s %s %s\n", shared, own, file, copy);
    munmap(shared, PAGE);
    munmap(own, PAGE);
    munmap(file, PAGE);
    munmap(copy, PAGE);
    munmap(untouched, PAGE);
    close(fd);
}

static void marks(void)
{
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 'x', 3 * PAGE);
    SHOW(madvise(p, PAGE, MADV_WIPEONFORK));
    SHOW(madvise(p + PAGE, PAGE, MADV_DONTFORK));
    pid_t child = fork();
    if (child == 0) {
        int fd = open("/dev/null", O_WRONLY);
        int is_gone = mincore(p + PAGE, PAGE, (void *)in_data) == -1 && errno == ENOMEM;
        close(fd);
        _exit((p[0] == 0) + 2 * is_gone + 4 * (p[2 * PAGE] == 'x'));
    }
    ended("a child sees", child);
    CHECK(p[0] == 'x' && p[PAGE] == 'x');
    SHOW(madvise(p, PAGE, MADV_KEEPONFORK));
    SHOW(madvise(p + PAGE, PAGE, MADV_DOFORK));
    child = fork();
    if (child == 0)
        _exit(p[0] == 'x' && p[PAGE] == 'x');
    ended("and then", child);
    munmap(p, 3 * PAGE);
}

static void futexes(void)
{
    uint32_t *shared = share(-1), *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct timespec short_time = {0, 60000000};
    pid_t child = fork();
    if (child == 0)
        _exit(futex(shared, FUTEX_WAIT, 0, NULL) == 0 ? 1 : 2);
    while (futex(shared, FUTEX_WAKE, 1, NULL) == 0)
        sleep_ms(1);
    ended("woken through shared memory", child);
    child = fork();
    if (child == 0)
        _exit(futex(shared, FUTEX_WAIT_PRIVATE, 0, &short_time) == -1 && errno == ETIMEDOUT ? 1 : 2);
    sleep_ms(20);
    SHOW(futex(shared, FUTEX_WAKE, 9, NULL));
    SHOW(futex(shared, FUTEX_WAKE_PRIVATE, 9, NULL));
    ended("a private one is the process's own", child);
    child = fork();
    if (child == 0)
        _exit(futex(own, FUTEX_WAIT, 0, &short_time) == -1 && errno == ETIMEDOUT ? 1 : 2);
    sleep_ms(20);
    SHOW(futex(own, FUTEX_WAKE, 9, NULL));
    ended("so is one in private memory", child);
    munmap(shared, PAGE);
    munmap(own, PAGE);
}

struct meeting {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    sem_t semaphore;
    int turn;
};

static void take_turns(struct meeting *meeting, int self)
{
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&meeting->mutex);
        while (meeting->turn % 2 != self)
            pthread_cond_wait(&meeting->changed, &meeting->mutex);
        meeting->turn++;
        pthread_cond_signal(&meeting->changed);
        pthread_mutex_unlock(&meeting->mutex);
    }
}

static void locks(void)
{
    struct meeting *meeting = share(-1);
    pthread_mutexattr_t mutex;
    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&meeting->mutex, &mutex);
    pthread_condattr_t condition;
    pthread_condattr_init(&condition);
    pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&meeting->changed, &condition);
    sem_init(&meeting->semaphore, 1, 0);
    pid_t child = fork();
    if (child == 0) {
        take_turns(meeting, 1);
        sem_post(&meeting->semaphore);
        _exit(0);
    }
    take_turns(meeting, 0);
    SHOW(sem_wait(&meeting->semaphore));
    ended("turns", child);
    CHECK(meeting->turn == 400);
    child = fork();
    if (child == 0) {
        pthread_mutex_lock(&meeting->mutex);
        sem_post(&meeting->semaphore);
        for (;;)
            pause();
    }
    sem_wait(&meeting->semaphore);
    kill(child, SIGKILL);
    CHECK(pthread_mutex_lock(&meeting->mutex) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(&meeting->mutex) == 0);
    CHECK(pthread_mutex_unlock(&meeting->mutex) == 0);
    ended("with the lock", child);
    munmap(meeting, PAGE);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    what_is_shared();
    marks();
    futexes();
    locks();
    return 0;
}
