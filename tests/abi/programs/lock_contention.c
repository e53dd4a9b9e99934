/* fcntl(2) F_SETLKW and F_OFD_SETLKW, flock(2): processes that count in one file under a lock lose no
 * count; readers share, and a writer comes through. */
#include "check.h"
#include <sched.h>
#include <sys/file.h>
#include <sys/wait.h>

enum { PROCESSES = 4, ROUNDS = 150 };

static int set(int fd, int command, int type, long start)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};
    return fcntl(fd, command, &lock);
}

static int take(int fd, int kind)
{
    return kind == 0 ? set(fd, F_SETLKW, F_WRLCK, 7) : kind == 1 ? set(fd, F_OFD_SETLKW, F_WRLCK, 7)
                                                                 : flock(fd, LOCK_EX);
}

static int let_go(int fd, int kind)
{
    return kind == 0 ? set(fd, F_SETLK, F_UNLCK, 7) : kind == 1 ? set(fd, F_OFD_SETLK, F_UNLCK, 7)
                                                                : flock(fd, LOCK_UN);
}

static void count(int kind)
{
    int fd = open("f", O_RDWR);
    for (int i = 0; i < ROUNDS; i++) {
        long value = 0;
        if (take(fd, kind))
            _exit(1);
        pread(fd, &value, sizeof value, 0);
        sched_yield();
        value++;
        pwrite(fd, &value, sizeof value, 0);
        if (i % 10 == 9) {
            close(fd); /* which lets go as well */
            fd = open("f", O_RDWR);
        } else if (let_go(fd, kind))
            _exit(2);
    }
    _exit(0);
}

static int all_ended(int processes)
{
    int bad = 0, status;
    while (processes--)
        bad += wait(&status) < 0 || status != 0;
    return bad;
}

static void counting(int kind)
{
    long value = 0;
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
    MUST(pwrite(fd, &value, sizeof value, 0));
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            count(kind);
    SHOW(all_ended(PROCESSES));
    MUST(pread(fd, &value, sizeof value, 0));
    SHOW(value);
    close(fd);
}

/* Three readers hold the lock together; the writer waits for the last of them. */
static void sharing(void)
{
    int fd = open("f", O_RDWR), ready[2];
    char byte;
    MUST(pipe(ready));
    for (int i = 0; i < 3; i++)
        if (fork() == 0) {
            if (set(fd, F_SETLKW, F_RDLCK, 0))
                _exit(1);
            write(ready[1], "r", 1);
            sleep_ms(40 + 20 * i);
            _exit(0);
        }
    for (int i = 0; i < 3; i++)
        MUST(read(ready[0], &byte, 1));
    SHOW(set(fd, F_SETLK, F_WRLCK, 0));
    SHOW(set(fd, F_SETLK, F_RDLCK, 0));
    long before = now_ms();
    SHOW(set(fd, F_SETLKW, F_WRLCK, 0));
    CHECK(now_ms() - before >= 20);
    SHOW(all_ended(3));
    close(fd);
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    for (int kind = 0; kind < 3; kind++)
        counting(kind);
    sharing();
    SHOW(unlink("f"));
    return 0;
}
