/* semget(2), semop(2), semtimedop(2), semctl(2). */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#define KEY 0x68736b32

static int set;

#define OPERATE(...)                                                                           \
    ({                                                                                         \
        struct sembuf operations[] = {__VA_ARGS__};                                            \
        semop(set, operations, sizeof operations / sizeof *operations);                        \
    })

static void values(void)
{
    printf("values:");
    for (int i = 0; i < 3; i++)
        printf(" %d", semctl(set, i, GETVAL));
    printf("\n");
}

static void keys_and_sizes(void)
{
    SHOW(semget(KEY, 1, 0600));
    SHOW(semget(KEY, 0, IPC_CREAT | 0600));
    SHOW(semget(KEY, -1, IPC_CREAT | 0600));
    SHOW(semget(KEY, 32001, IPC_CREAT | 0600));
    int id = semget(KEY, 2, IPC_CREAT | IPC_EXCL | 0640);
    CHECK(id >= 0 && semget(KEY, 1, 0) == id && semget(KEY, 0, IPC_CREAT) == id);
    SHOW(semget(KEY, 3, 0));
    SHOW(semget(KEY, 2, IPC_CREAT | IPC_EXCL));
    SHOW(semctl(id, 0, IPC_RMID));
    SHOW(semctl(id, 0, IPC_RMID));
    SHOW(semctl(id, 0, GETVAL));
}

static void together_or_not_at_all(void)
{
    SHOW(OPERATE({0, 2, 0}, {1, 1, 0}));
    values();
    SHOW(OPERATE({0, -1, 0}, {1, -2, IPC_NOWAIT}));
    values();
    SHOW(OPERATE({0, -1, 0}, {2, 0, 0}, {2, 5, 0}));
    values();
    SHOW(OPERATE({2, 0, IPC_NOWAIT}));
    SHOW(OPERATE({0, 32767, 0}));
    SHOW(OPERATE({3, 1, 0}));
    SHOW(semop(set, NULL, 0));
    SHOW(semop(set, NULL, 1));
    static struct sembuf many[501];
    SHOW(semop(set, many, 501));
    SHOW(semop(12345678, many, 1));
    values();
    CHECK(semctl(set, 0, GETPID) == getpid());
}

static void settings(void)
{
    unsigned short all[3] = {1, 2, 3}, read[3];
    SHOW(semctl(set, 0, SETALL, all));
    SHOW(semctl(set, 0, GETALL, read));
    printf("%d %d %d\n", read[0], read[1], read[2]);
    SHOW(semctl(set, 1, SETVAL, 7));
    SHOW(semctl(set, 1, SETVAL, -1));
    SHOW(semctl(set, 1, SETVAL, 32768));
    SHOW(semctl(set, 3, SETVAL, 1));
    SHOW(semctl(set, -1, GETVAL));
    SHOW(semctl(set, 0, 99));
    all[2] = 40000;
    SHOW(semctl(set, 0, SETALL, all));
    values();
    struct semid_ds status;
    SHOW(semctl(set, 0, IPC_STAT, &status));
    printf("semaphores %lu mode %o operated %d\n", status.sem_nsems, status.sem_perm.mode, status.sem_otime != 0);
    status.sem_perm.mode = 0444;
    SHOW(semctl(set, 0, IPC_SET, &status));
    semctl(set, 0, IPC_STAT, &status);
    printf("mode %o\n", status.sem_perm.mode);
    struct seminfo limits;
    CHECK(semctl(0, 0, IPC_INFO, &limits) >= 0);
    printf("%d %d %d %d %d %d %d %d %d %d\n", limits.semmap, limits.semmni, limits.semmns, limits.semmnu,
           limits.semmsl, limits.semopm, limits.semume, limits.semusz, limits.semvmx, limits.semaem);
    int highest = semctl(0, 0, SEM_INFO, &limits), seen = 0;
    CHECK(highest >= 0 && limits.semusz >= 1 && limits.semaem >= 3);
    for (int index = 0; index <= highest; index++)
        seen += semctl(index, 0, SEM_STAT, &status) == set;
    CHECK(seen == 1);
}

static void *wait_for_three(void *unused)
{
    long r = OPERATE({0, -3, 0});
    return (void *)(r < 0 ? -(long)errno : r);
}

static void *wait_for_zero(void *unused)
{
    long r = OPERATE({1, 0, 0});
    return (void *)(r < 0 ? -(long)errno : r);
}

static long join(pthread_t thread)
{
    void *result;
    pthread_join(thread, &result);
    return (long)result;
}

static void waiting(void)
{
    unsigned short start[3] = {0, 1, 0};
    semctl(set, 0, SETALL, start);
    pthread_t one, two;
    pthread_create(&one, NULL, wait_for_three, NULL);
    pthread_create(&two, NULL, wait_for_zero, NULL);
    while (semctl(set, 0, GETNCNT) + semctl(set, 1, GETZCNT) < 2)
        sleep_ms(1);
    SHOW(semctl(set, 0, GETZCNT));
    SHOW(semctl(set, 1, GETNCNT));
    SHOW(OPERATE({0, 2, 0}));
    sleep_ms(20);
    SHOW(semctl(set, 0, GETNCNT));
    SHOW(OPERATE({0, 2, 0}));
    printf("%ld\n", join(one));
    SHOW(semctl(set, 1, SETVAL, 0));
    printf("%ld\n", join(two));
    values();
    SHOW(semctl(set, 0, GETNCNT));
}

static void on_alarm(int signal) {}

static void timeouts_and_signals(void)
{
    struct timespec time = {0, 20000000}, bad = {0, -1};
    struct sembuf operation = {2, -9, 0};
    long before = now_ms();
    SHOW(semtimedop(set, &operation, 1, &time));
    CHECK(now_ms() - before >= 19);
    SHOW(semtimedop(set, &operation, 1, &bad));
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    ualarm(30000, 0);
    SHOW(semop(set, &operation, 1));
}

static void removing(void)
{
    pthread_t one;
    semctl(set, 0, SETVAL, 0);
    pthread_create(&one, NULL, wait_for_three, NULL);
    while (semctl(set, 0, GETNCNT) < 1)
        sleep_ms(1);
    SHOW(semctl(set, 0, IPC_RMID));
    CHECK(join(one) == -EIDRM);
    SHOW(OPERATE({0, 1, 0}));
}

int main(void)
{
    keys_and_sizes();
    MUST(set = semget(IPC_PRIVATE, 3, 0600));
    together_or_not_at_all();
    settings();
    waiting();
    timeouts_and_signals();
    removing();
    return 0;
}
