/* fcntl(2) record locks and open file description locks, flock(2), in one process: ranges, errors,
 * what is told, conflicts between descriptions, and who waits is woken or interrupted. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>

static struct flock lock_of(int type, int whence, long start, long length)
{
    return (struct flock){.l_type = type, .l_whence = whence, .l_start = start, .l_len = length};
}

static int locks(int fd, int command, int type, int whence, long start, long length)
{
    struct flock lock = lock_of(type, whence, start, length);
    return fcntl(fd, command, &lock);
}

/* What is in the way of a description lock. */
static void tell(int fd, int command, int type, long start, long length)
{
    struct flock lock = lock_of(type, SEEK_SET, start, length);
    int result = fcntl(fd, command, &lock);
    if (result == -1)
        printf("tell %d %ld %ld: %s\n", type, start, length, strerrorname_np(errno));
    else
        printf("tell %d %ld %ld: type %d whence %d start %ld length %ld pid %s\n", type, start,
               length, lock.l_type, lock.l_whence, (long)lock.l_start, (long)lock.l_len,
               lock.l_pid == -1 ? "-1" : lock.l_pid == 0 ? "0" : lock.l_pid == getpid() ? "me" : "?");
}

static int a, b;
static volatile int waits, granted;

static void *flock_waiter(void *unused)
{
    waits = 1;
    int result = flock(b, LOCK_EX);
    granted = result == 0 ? 1 : -1;
    return unused;
}

static void *ofd_waiter(void *unused)
{
    waits = 1;
    granted = locks(b, F_OFD_SETLKW, F_WRLCK, SEEK_SET, 5, 1) == 0 ? 1 : -1;
    return unused;
}

static void waiting(void *(*waiter)(void *), int (*let_go)(void))
{
    pthread_t thread;
    waits = granted = 0;
    pthread_create(&thread, NULL, waiter, NULL);
    while (!waits)
        sleep_ms(1);
    sleep_ms(30);
    SHOW(granted);
    SHOW(let_go());
    pthread_join(thread, NULL);
    SHOW(granted);
}

static int flock_off(void) { return flock(a, LOCK_UN); }
static int flock_down(void) { return close(a); }
static int ofd_off(void) { return locks(a, F_OFD_SETLK, F_UNLCK, SEEK_SET, 0, 10); }

static void on_alarm(int signal) { (void)signal; }

int main(void)
{
    a = open("f", O_RDWR | O_CREAT, 0644), b = open("f", O_RDWR);
    int reader = open("f", O_RDONLY), writer = open("f", O_WRONLY), path = open("f", O_PATH);
    MUST(ftruncate(a, 100));
    MUST(lseek(a, 10, SEEK_SET));

    /* Record locks: a process does not conflict with itself. */
    SHOW(locks(a, F_SETLK, F_WRLCK, SEEK_SET, 0, 10));
    SHOW(locks(b, F_SETLK, F_WRLCK, SEEK_SET, 5, 10));
    SHOW(locks(b, F_SETLKW, F_RDLCK, SEEK_SET, 0, 0));
    tell(a, F_GETLK, F_WRLCK, 0, 0);
    tell(a, F_GETLK, F_UNLCK, 0, 0);
    tell(a, F_GETLK, 7, 0, 0);
    SHOW(locks(a, F_SETLK, 7, SEEK_SET, 0, 0));
    SHOW(locks(reader, F_SETLK, F_WRLCK, SEEK_SET, 0, 1));
    SHOW(locks(writer, F_SETLK, F_RDLCK, SEEK_SET, 0, 1));
    SHOW(locks(reader, F_SETLK, F_UNLCK, SEEK_SET, 0, 1));
    SHOW(locks(path, F_SETLK, F_UNLCK, SEEK_SET, 0, 1));
    SHOW(locks(a, F_SETLK, F_RDLCK, 3, 0, 1));
    SHOW(locks(a, F_SETLK, F_RDLCK, SEEK_SET, -1, 1));
    SHOW(locks(a, F_SETLK, F_RDLCK, SEEK_CUR, -10, 1));
    SHOW(locks(a, F_SETLK, F_RDLCK, SEEK_CUR, -11, 1));
    SHOW(locks(a, F_SETLK, F_RDLCK, SEEK_END, -100, 1));
    SHOW(locks(a, F_SETLK, F_RDLCK, SEEK_END, -101, 1));
    SHOW(locks(a, F_SETLK, F_RDLCK, SEEK_SET, 5, -5));
    SHOW(locks(a, F_SETLK, F_RDLCK, SEEK_SET, 5, -6));
    SHOW(locks(a, F_SETLK, F_RDLCK, SEEK_SET, 0x7fffffffffffffff, 1));
    SHOW(locks(a, F_SETLK, F_RDLCK, SEEK_SET, 0x7fffffffffffffff, 2));
    SHOW(locks(a, F_SETLK, F_RDLCK, SEEK_CUR, 0x7fffffffffffffff, 1));
    SHOW(fcntl(a, F_SETLK, (void *)8));
    SHOW(fcntl(99, F_SETLK, (void *)8));
    SHOW(locks(a, F_SETLK, F_UNLCK, SEEK_SET, 0, 0));

    /* Description locks see each other, and the process's. */
    SHOW(locks(a, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 10));
    SHOW(locks(a, F_OFD_SETLK, F_WRLCK, SEEK_SET, 10, 10));
    SHOW(locks(b, F_OFD_SETLK, F_RDLCK, SEEK_SET, 19, 1));
    SHOW(locks(b, F_OFD_SETLK, F_RDLCK, SEEK_SET, 20, 1));
    tell(b, F_OFD_GETLK, F_RDLCK, 0, 0);
    tell(b, F_OFD_GETLK, F_RDLCK, 20, 5);
    tell(a, F_OFD_GETLK, F_RDLCK, 20, 5);
    tell(a, F_OFD_GETLK, F_WRLCK, 20, 5);
    tell(a, F_GETLK, F_WRLCK, 0, 0);
    SHOW(locks(a, F_SETLK, F_RDLCK, SEEK_SET, 3, 1));
    SHOW(locks(a, F_OFD_SETLK, F_UNLCK, SEEK_SET, 3, 4));
    tell(b, F_OFD_GETLK, F_RDLCK, 0, 0);
    tell(b, F_OFD_GETLK, F_RDLCK, 3, 0);
    SHOW(locks(a, F_SETLK, F_RDLCK, SEEK_SET, 3, 1));
    tell(b, F_OFD_GETLK, F_WRLCK, 3, 1);
    SHOW(locks(a, F_OFD_SETLK, F_RDLCK, SEEK_SET, 0, 0));
    tell(b, F_OFD_GETLK, F_WRLCK, 0, 3);
    struct flock with_pid = {.l_type = F_RDLCK, .l_pid = 1};
    SHOW(fcntl(a, F_OFD_SETLK, &with_pid));
    SHOW(fcntl(a, F_OFD_GETLK, &with_pid));

    /* Any close of the file ends the process's locks; a description's go with its last. */
    int third = open("f", O_RDWR);
    SHOW(locks(third, F_OFD_SETLK, F_RDLCK, SEEK_SET, 50, 1));
    int again = dup(third);
    close(third);
    tell(b, F_OFD_GETLK, F_WRLCK, 3, 1);
    SHOW(locks(a, F_OFD_SETLK, F_UNLCK, SEEK_SET, 0, 0));
    tell(b, F_OFD_GETLK, F_WRLCK, 3, 0);
    close(again);
    tell(b, F_OFD_GETLK, F_WRLCK, 21, 0);

    /* flock(2) */
    SHOW(flock(a, LOCK_SH));
    SHOW(flock(b, LOCK_SH | LOCK_NB));
    SHOW(flock(b, LOCK_EX | LOCK_NB)); /* which gives its shared lock up */
    SHOW(flock(a, LOCK_EX | LOCK_NB));
    SHOW(flock(b, LOCK_SH | LOCK_NB));
    SHOW(flock(reader, LOCK_EX | LOCK_NB));
    SHOW(flock(a, LOCK_EX));
    SHOW(flock(a, LOCK_SH));
    SHOW(flock(reader, LOCK_SH | LOCK_NB));
    SHOW(flock(reader, LOCK_UN | LOCK_NB));
    SHOW(flock(reader, LOCK_UN));
    SHOW(flock(a, LOCK_SH | LOCK_EX));
    SHOW(flock(a, 0));
    SHOW(flock(path, LOCK_SH));
    SHOW(flock(99, LOCK_SH));
    SHOW(locks(b, F_SETLK, F_WRLCK, SEEK_SET, 0, 0)); /* the other kind */
    SHOW(locks(b, F_SETLK, F_UNLCK, SEEK_SET, 0, 0));

    /* Waiting. */
    SHOW(flock(a, LOCK_EX));
    waiting(flock_waiter, flock_off);
    SHOW(flock(b, LOCK_UN));
    SHOW(locks(a, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 10));
    waiting(ofd_waiter, ofd_off);
    SHOW(locks(b, F_OFD_SETLK, F_UNLCK, SEEK_SET, 0, 0));
    SHOW(flock(a, LOCK_EX));
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    struct itimerspec soon = {.it_value = {0, 30000000}};
    timer_t timer;
    MUST(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    MUST(timer_settime(timer, 0, &soon, NULL));
    SHOW(flock(b, LOCK_EX));
    SHOW(locks(a, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 10));
    MUST(timer_settime(timer, 0, &soon, NULL));
    SHOW(locks(b, F_OFD_SETLKW, F_RDLCK, SEEK_SET, 0, 1));
    timer_delete(timer);
    waiting(flock_waiter, flock_down);
    tell(b, F_OFD_GETLK, F_WRLCK, 0, 0);

    int p[2];
    MUST(pipe(p));
    SHOW(locks(p[0], F_SETLK, F_RDLCK, SEEK_SET, 0, 0));
    SHOW(flock(p[1], LOCK_EX));
    close(p[0]);
    close(p[1]);
    close(b);
    close(reader);
    close(writer);
    close(path);
    SHOW(unlink("f"));
    return 0;
}
