/* Who may use an IPC object: sysvipc(7), shmget(2), semop(2), msgop(2), mq_open(3), for who is not
 * root, by owner, group and others. libraries: -lrt */
#include "check.h"
#include <grp.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>

#define KEY 0x68736b40

static int segment, set, queue;

static int change(int by)
{
    struct sembuf operation = {0, by, IPC_NOWAIT};
    return semop(set, &operation, 1);
}

static int attach(int flags)
{
    void *p = shmat(segment, NULL, flags);
    return p == (void *)-1 ? -1 : shmdt(p);
}

static void try(const char *who)
{
    struct { long type; char text[8]; } message = {.type = 1};
    struct shmid_ds shared;
    struct semid_ds semaphores;
    struct msqid_ds messages;
    printf("%s\n", who);
    SHOW(attach(SHM_RDONLY));
    SHOW(attach(0));
    SHOW(shmget(KEY, 0, 0400) == segment ? 0 : -1);
    SHOW(shmget(KEY, 0, 0600) == segment ? 0 : -1);
    SHOW(shmget(KEY, 0, 0) == segment ? 0 : -1);
    SHOW(shmctl(segment, IPC_STAT, &shared));
    SHOW(shmctl(segment, IPC_RMID, NULL));
    SHOW(change(1));
    SHOW(semctl(set, 0, GETVAL) >= 0 ? 0 : -1);
    SHOW(semctl(set, 0, SETVAL, 0));
    SHOW(change(0));
    SHOW(semctl(set, 0, IPC_STAT, &semaphores));
    SHOW(semctl(set, 0, IPC_RMID));
    SHOW(msgsnd(queue, &message, 1, IPC_NOWAIT));
    SHOW(msgrcv(queue, &message, 1, 0, IPC_NOWAIT));
    SHOW(msgctl(queue, IPC_STAT, &messages));
    messages.msg_qbytes = 20000;
    SHOW(msgctl(queue, IPC_SET, &messages));
    SHOW(msgctl(queue, IPC_RMID, NULL));
    SHOW(mq_close(mq_open("/husk-own", O_RDONLY)));
    SHOW(mq_close(mq_open("/husk-own", O_RDWR)));
    SHOW(mq_unlink("/husk-own"));
}

static void as(const char *who, uid_t uid, gid_t gid)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        MUST(setgroups(0, NULL));
        MUST(setgid(gid));
        MUST(setuid(uid));
        try(who);
        exit(0);
    }
    MUST(waitpid(child, &status, 0));
}

int main(void)
{
    if (geteuid() != 0)
        return 0;
    umask(0);
    MUST(segment = shmget(KEY, 4096, IPC_CREAT | IPC_EXCL | 0640));
    MUST(set = semget(IPC_PRIVATE, 1, 0640));
    MUST(queue = msgget(IPC_PRIVATE, 0604));
    mqd_t named = mq_open("/husk-own", O_RDWR | O_CREAT | O_EXCL, 0640, NULL);
    MUST(named);
    as("in the group", 1000, 0);
    as("another", 1000, 1000);
    struct shmid_ds shared;
    struct semid_ds semaphores;
    MUST(shmctl(segment, IPC_STAT, &shared));
    MUST(semctl(set, 0, IPC_STAT, &semaphores));
    shared.shm_perm.uid = semaphores.sem_perm.uid = 1000;
    shared.shm_perm.mode = semaphores.sem_perm.mode = 0200;
    MUST(shmctl(segment, IPC_SET, &shared));
    MUST(semctl(set, 0, IPC_SET, &semaphores));
    as("its owner", 1000, 1000);
    SHOW(shmctl(segment, IPC_RMID, NULL));
    SHOW(semctl(set, 0, IPC_RMID));
    SHOW(msgctl(queue, IPC_RMID, NULL));
    SHOW(mq_close(named));
    SHOW(mq_unlink("/husk-own"));
    return 0;
}
