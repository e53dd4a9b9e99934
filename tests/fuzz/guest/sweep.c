/* Removes what workers leave on purpose: files, and IPC objects, which outlive processes. */
#include "fuzz.h"

enum { DIRECTORY = 0x10000, AT_REMOVEDIR = 0x200, MOST_OBJECTS = 64, DEEPEST = 40 };

struct entry {
    word inode, offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static void empty(int directory, int depth);

/* Whether it is gone. */
static int remove_entry(int directory, const struct entry *entry, int depth)
{
    const char *name = entry->name;
    if (name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0)))
        return 0;
    if (CALL(unlinkat, directory, (word)name, 0) == 0)
        return 1;
    CALL(fchmodat, directory, (word)name, 0700);
    int inner = CALL(openat, directory, (word)name, DIRECTORY);
    if (inner >= 0)
        empty(inner, depth + 1);
    return CALL(unlinkat, directory, (word)name, AT_REMOVEDIR) == 0;
}

static void empty(int directory, int depth)
{
    char bytes[2048] __attribute__((aligned(8)));
    for (int gone = 1; depth < DEEPEST && gone > 0;) {
        gone = 0;
        CALL(lseek, directory, 0, 0);
        long size = CALL(getdents64, directory, (word)bytes, sizeof bytes);
        if (size <= 0)
            break;
        for (long at = 0; at < size; at += ((struct entry *)(bytes + at))->length)
            gone += remove_entry(directory, (struct entry *)(bytes + at), depth);
    }
    CALL(close, directory);
}

int sweep(void)
{
    enum { RMID = 0, SHM_STAT = 13, SEM_STAT = 18, MSG_STAT = 11 };
    static const char *const places[] = {"/work", "/tmp", "/dev/shm"};
    static const char *const queues[] = {"q0", "q1", "q2", "a", "b", "c", "d"};
    static char status[512];
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        int directory = CALL(open, (word)places[i], DIRECTORY);
        if (directory >= 0)
            empty(directory, 0);
    }
    for (unsigned i = 0; i < sizeof queues / sizeof *queues; i++)
        CALL(mq_unlink, (word)queues[i]);
    for (int i = 0; i < MOST_OBJECTS; i++) {
        CALL(shmctl, CALL(shmctl, i, SHM_STAT, (word)status), RMID, 0);
        CALL(msgctl, CALL(msgctl, i, MSG_STAT, (word)status), RMID, 0);
        CALL(semctl, CALL(semctl, i, 0, SEM_STAT, (word)status), 0, RMID);
    }
    return 0;
}
