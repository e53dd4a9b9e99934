/* fork(2), exit(2) and IPC: shm_nattch, SEM_UNDO, messages (sysvipc(7)); shm_open(3) and sem_open(3);
 * mq_notify(3) of a process that ended. libraries: -lrt */
#include "check.h"
#include <mqueue.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>

#define PAGE 4096

static void ended(const char *what, pid_t child)
{
    int status;
    MUST(waitpid(child, &status, 0));
    if (WIFSIGNALED(status))
        printf("%s: killed by %s\n", what, strsignal(WTERMSIG(status)));
    else
        printf("%s: %d\n", what, WEXITSTATUS(status));
}

static int attached(int id)
{
    struct shmid_ds status;
    return shmctl(id, IPC_STAT, &status) < 0 ? -1 : (int)status.shm_nattch;
}

static void segments(void)
{
    int id = shmget(IPC_PRIVATE, PAGE, 0600);
    volatile char *p = shmat(id, NULL, 0);
    CHECK(attached(id) == 1);
    pid_t child = fork();
    if (child == 0) {
        int count = attached(id);
        shmat(id, NULL, 0);
        count = count * 10 + attached(id);
        p[0] = 'c';
        _exit(count);
    }
    ended("attached to in a child", child);
    CHECK(attached(id) == 1 && p[0] == 'c');
    child = fork();
    if (child == 0) {
        shmdt((void *)p);
        raise(SIGKILL);
    }
    ended("detached and killed", child);
    CHECK(attached(id) == 1);
    child = fork();
    if (child == 0) {
        while (p[0] != 'g')
            sleep_ms(1);
        p[1] = 'o';
        _exit(attached(id));
    }
    SHOW(shmctl(id, IPC_RMID, NULL));
    CHECK(attached(id) == 2);
    p[0] = 'g';
    ended("still there", child);
    CHECK(p[1] == 'o');
    SHOW(shmdt((void *)p));
    SHOW(attached(id));
}

static int change(int set, int number, int by, int flags)
{
    struct sembuf operation = {number, by, flags};
    return semop(set, &operation, 1);
}

static void semaphores(void)
{
    int set = semget(IPC_PRIVATE, 2, 0600);
    change(set, 0, 5, 0);
    pid_t child = fork();
    if (child == 0) {
        change(set, 0, -2, SEM_UNDO);
        change(set, 0, -1, 0);
        change(set, 1, 7, SEM_UNDO);
        change(set, 1, -3, SEM_UNDO);
        _exit(semctl(set, 0, GETVAL) * 10 + semctl(set, 1, GETVAL));
    }
    ended("values in a child", child);
    printf("%d %d\n", semctl(set, 0, GETVAL), semctl(set, 1, GETVAL));
    CHECK(semctl(set, 0, GETPID) == child);
    child = fork();
    if (child == 0) {
        change(set, 0, -4, SEM_UNDO);
        change(set, 1, 1, 0);
        for (;;)
            pause();
    }
    change(set, 1, -1, 0);
    SHOW(semctl(set, 0, GETVAL));
    SHOW(change(set, 0, -1, IPC_NOWAIT));
    kill(child, SIGKILL);
    SHOW(change(set, 0, -1, 0));
    ended("undone", child);
    SHOW(semctl(set, 0, GETVAL));
    child = fork();
    if (child == 0) {
        change(set, 0, -3, SEM_UNDO);
        semctl(set, 0, SETVAL, 1);
        _exit(0);
    }
    ended("set", child);
    SHOW(semctl(set, 0, GETVAL));
    SHOW(semctl(set, 0, IPC_RMID));
}

static void messages(void)
{
    struct { long type; char text[16]; } message;
    int queue = msgget(IPC_PRIVATE, 0600);
    pid_t child = fork();
    if (child == 0) {
        msgrcv(queue, &message, sizeof message.text, 1, 0);
        message.type = 2;
        message.text[0]++;
        _exit(msgsnd(queue, &message, 3, 0));
    }
    message.type = 1;
    strcpy(message.text, "abc");
    SHOW(msgsnd(queue, &message, 3, 0));
    SHOW(msgrcv(queue, &message, sizeof message.text, 2, 0));
    ended("answered", child);
    printf("%.3s\n", message.text);
    struct msqid_ds status;
    SHOW(msgctl(queue, IPC_STAT, &status));
    CHECK(status.msg_lspid == child && status.msg_lrpid == getpid());
    SHOW(msgctl(queue, IPC_RMID, NULL));
}

static void names(void)
{
    sem_unlink("/husk-semaphore");
    sem_t *semaphore = sem_open("/husk-semaphore", O_CREAT | O_EXCL, 0600, 0);
    int fd = shm_open("/husk-memory", O_RDWR | O_CREAT | O_TRUNC, 0600);
    MUST(ftruncate(fd, PAGE));
    volatile char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    pid_t child = fork();
    if (child == 0) {
        int own = shm_open("/husk-memory", O_RDWR, 0);
        char *q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0);
        strcpy(q, "named");
        sem_post(sem_open("/husk-semaphore", 0));
        _exit(0);
    }
    SHOW(sem_wait(semaphore));
    printf("%s\n", (char *)p);
    ended("posted", child);
    sem_close(semaphore);
    sem_unlink("/husk-semaphore");
    munmap((void *)p, PAGE);
    close(fd);
    SHOW(shm_unlink("/husk-memory"));
}

static void notification(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    mqd_t queue = mq_open("/husk-told", O_RDWR | O_CREAT, 0600, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(mq_notify(queue, &event));
    ended("to be told", child);
    SHOW(mq_notify(queue, &event));
    SHOW(mq_close(queue));
    SHOW(mq_unlink("/husk-told"));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    segments();
    semaphores();
    messages();
    names();
    notification();
    return 0;
}
