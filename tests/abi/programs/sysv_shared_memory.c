/* shmget(2), shmat(2), shmdt(2), shmctl(2). */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#define PAGE 4096
#define KEY 0x68736b31

static sigjmp_buf back;
static void handler(int signal) { siglongjmp(back, signal); }

static const char *touch(volatile char *address)
{
    int got = sigsetjmp(back, 1);
    if (got == 0)
        *address += 1;
    return got ? strsignal(got) : "fine";
}

static void tell(const char *when, int id)
{
    struct shmid_ds status;
    if (shmctl(id, IPC_STAT, &status) < 0) {
        printf("%s: %s\n", when, strerrorname_np(errno));
        return;
    }
    printf("%s: size %zu attached %lu mode %o key %s creator %s last %s attached at %s detached at %s\n",
           when, status.shm_segsz, (unsigned long)status.shm_nattch, status.shm_perm.mode,
           status.shm_perm.__key == KEY ? "ours" : status.shm_perm.__key == 0 ? "none" : "other",
           status.shm_cpid == getpid() ? "self" : "other",
           status.shm_lpid == getpid() ? "self" : status.shm_lpid == 0 ? "none" : "other",
           status.shm_atime ? "some time" : "no time", status.shm_dtime ? "some time" : "no time");
}

static void keys_and_sizes(void)
{
    SHOW(shmget(KEY, PAGE, 0600));
    SHOW(shmget(KEY, 0, IPC_CREAT | 0600));
    SHOW(shmget(IPC_PRIVATE, 0, 0600));
    int id = shmget(KEY, PAGE + 1, IPC_CREAT | IPC_EXCL | 0640);
    CHECK(id >= 0);
    CHECK(shmget(KEY, PAGE + 1, 0) == id);
    CHECK(shmget(KEY, 0, 0) == id);
    CHECK(shmget(KEY, 1, IPC_CREAT) == id);
    SHOW(shmget(KEY, 2 * PAGE, 0));
    SHOW(shmget(KEY, PAGE, IPC_CREAT | IPC_EXCL | 0600));
    tell("new", id);
    int other = shmget(IPC_PRIVATE, PAGE, 0600);
    CHECK(other >= 0 && other != id);
    SHOW(shmctl(other, IPC_RMID, NULL));
    SHOW(shmctl(other, IPC_RMID, NULL));
    SHOW(shmctl(-1, IPC_RMID, NULL));
    SHOW(shmctl(id, 99, NULL));
    SHOW(shmctl(id, IPC_STAT, NULL));
    SHOW(shmctl(id, IPC_RMID, NULL));
    SHOW(shmget(KEY, PAGE, 0));
}

static void attaching(void)
{
    int id = shmget(IPC_PRIVATE, 3 * PAGE - 5, 0600);
    char *p = shmat(id, NULL, 0);
    char *q = shmat(id, NULL, SHM_RDONLY);
    CHECK(p != (void *)-1 && q != (void *)-1 && p != q);
    strcpy(p + PAGE, "shared");
    printf("%s\n", q + PAGE);
    CHECK(p[3 * PAGE - 1] == 0);
    tell("twice", id);
    printf("%s, %s\n", touch(q), touch(p));
    SHOW(mprotect(q, PAGE, PROT_READ | PROT_WRITE));
    SHOW(shmdt(q + PAGE));
    SHOW(shmdt(q + 1));
    SHOW(shmdt(q));
    SHOW(shmdt(q));
    tell("once", id);
    SHOW(madvise(p, 3 * PAGE, MADV_DONTNEED));
    printf("%s\n", p + PAGE);
    SHOW(mprotect(p + PAGE, PAGE, PROT_READ));
    tell("split", id);
    SHOW(munmap(p, PAGE));
    tell("cut", id);
    SHOW(shmctl(id, IPC_RMID, NULL));
    tell("marked", id);
    char *again = shmat(id, NULL, 0);
    CHECK(again != (void *)-1 && strcmp(again + PAGE, "shared") == 0);
    SHOW(shmdt(p));
    SHOW(shmdt(again));
    tell("gone", id);
    SHOW(shmat(id, NULL, 0) == (void *)-1 ? -1 : 0);
}

static void at_an_address(void)
{
    int id = shmget(IPC_PRIVATE, PAGE, 0600);
    char *room = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW((long)shmat(id, room, 0));
    SHOW((long)shmat(id, room + 5, 0));
    SHOW((long)shmat(id, NULL, SHM_REMAP));
    CHECK(shmat(id, room, SHM_REMAP) == room);
    CHECK(shmat(id, room + PAGE + 5, SHM_REMAP | SHM_RND) == room + PAGE);
    munmap(room + 2 * PAGE, PAGE);
    CHECK(shmat(id, room + 2 * PAGE, 0) == room + 2 * PAGE);
    room[1] = 'x';
    CHECK(room[PAGE + 1] == 'x' && room[2 * PAGE + 1] == 'x');
    tell("three times", id);
    SHOW(shmdt(room + PAGE));
    SHOW(munmap(room, 4 * PAGE));
    tell("unmapped", id);
    SHOW(shmctl(id, IPC_RMID, NULL));
}

static void settings(void)
{
    int id = shmget(IPC_PRIVATE, PAGE, 0600);
    struct shmid_ds status;
    shmctl(id, IPC_STAT, &status);
    CHECK(status.shm_perm.uid == geteuid() && status.shm_perm.cgid == getegid());
    status.shm_perm.mode = 0644 | 01000;
    status.shm_perm.uid = 7;
    SHOW(shmctl(id, IPC_SET, &status));
    shmctl(id, IPC_STAT, &status);
    printf("mode %o uid %u creator %d\n", status.shm_perm.mode, status.shm_perm.uid,
           status.shm_perm.cuid == geteuid());
    SHOW(shmctl(id, SHM_LOCK, NULL));
    tell("locked", id);
    SHOW(shmctl(id, SHM_UNLOCK, NULL));
    struct shminfo limits;
    CHECK(shmctl(0, IPC_INFO, (void *)&limits) >= 0);
    printf("max %lx min %lu segments %lu all %lx\n", limits.shmmax, limits.shmmin, limits.shmmni, limits.shmall);
    struct shm_info info;
    int highest = shmctl(0, SHM_INFO, (void *)&info), seen = 0;
    CHECK(highest >= 0 && info.used_ids >= 1 && info.shm_tot >= 1);
    for (int index = 0; index <= highest; index++)
        seen += shmctl(index, SHM_STAT, &status) == id;
    CHECK(seen == 1);
    SHOW(shmctl(id, IPC_RMID, NULL));
}

int main(void)
{
    signal(SIGSEGV, handler);
    keys_and_sizes();
    attaching();
    at_an_address();
    settings();
    return 0;
}
