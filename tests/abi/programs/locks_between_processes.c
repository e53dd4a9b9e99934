/* fcntl(2) record locks and flock(2) between processes: conflicts, waiting, deadlock, and release at
 * close and exit. */
#include "check.h"
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

static int to_child[2], to_parent[2];

static void say(int fd) { MUST(write(fd, "x", 1)); }

static void await(int fd)
{
    char byte;
    if (read(fd, &byte, 1) != 1)
        exit(9);
}

static int locks(int fd, int command, int type, long start, long length)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &lock);
}

static void tell(int fd, long start, long length, pid_t child)
{
    struct flock lock = {.l_type = F_WRLCK, .l_start = start, .l_len = length};
    SHOW(fcntl(fd, F_GETLK, &lock));
    printf("type %d start %ld length %ld by %s\n", lock.l_type, (long)lock.l_start,
           (long)lock.l_len, lock.l_type == F_UNLCK ? "none" : lock.l_pid == child ? "child" : "?");
}

static int status_of(pid_t child)
{
    int status = -1;
    MUST(waitpid(child, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Holds what the parent meets, and lets it go in several ways. */
static void holder(int inherited)
{
    int fd = open("f", O_RDWR), other = open("f", O_RDONLY);
    if (locks(fd, F_SETLK, F_WRLCK, 10, 10) || locks(fd, F_SETLK, F_RDLCK, 50, 0))
        _exit(1);
    say(to_parent[1]);
    await(to_child[0]);
    close(other); /* any close ends them all */
    say(to_parent[1]);
    await(to_child[0]);
    if (locks(fd, F_SETLK, F_WRLCK, 0, 1) || locks(inherited, F_SETLK, F_WRLCK, 5, 1) == 0)
        _exit(2);
    say(to_parent[1]);
    sleep_ms(40);
    _exit(3); /* as does the end */
}

int main(void)
{
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    MUST(fd);
    MUST(pipe(to_child));
    MUST(pipe(to_parent));
    SHOW(locks(fd, F_SETLK, F_WRLCK, 5, 1)); /* not inherited */
    pid_t child = fork();
    if (child == 0)
        holder(fd);
    await(to_parent[0]);
    tell(fd, 0, 0, child);
    tell(fd, 20, 0, child);
    tell(fd, 20, 30, child);
    SHOW(locks(fd, F_SETLK, F_RDLCK, 19, 1));
    SHOW(locks(fd, F_SETLK, F_RDLCK, 20, 1000));
    SHOW(locks(fd, F_SETLK, F_WRLCK, 60, 1));
    say(to_child[1]);
    await(to_parent[0]);
    tell(fd, 0, 0, child);
    say(to_child[1]);
    await(to_parent[0]);
    SHOW(locks(fd, F_SETLK, F_WRLCK, 0, 1));
    SHOW(locks(fd, F_SETLKW, F_WRLCK, 0, 1));
    SHOW(status_of(child));

    /* Each waits for the other: the one that closes the circle is told. */
    SHOW(locks(fd, F_SETLK, F_UNLCK, 0, 0));
    SHOW(locks(fd, F_SETLK, F_WRLCK, 0, 1));
    child = fork();
    if (child == 0) {
        if (locks(fd, F_SETLK, F_WRLCK, 1, 1))
            _exit(1);
        say(to_parent[1]);
        int result = locks(fd, F_SETLKW, F_WRLCK, 0, 1);
        _exit(result == 0 ? 4 : errno == EDEADLK ? 5 : 6);
    }
    await(to_parent[0]);
    sleep_ms(60);
    SHOW(locks(fd, F_SETLKW, F_WRLCK, 1, 1));
    SHOW(locks(fd, F_SETLK, F_UNLCK, 0, 1));
    SHOW(status_of(child));

    /* flock(2) belongs to the description, which both have. */
    int own = open("f", O_RDWR);
    SHOW(flock(fd, LOCK_EX));
    child = fork();
    if (child == 0) {
        int shared = flock(fd, LOCK_EX | LOCK_NB), fresh = flock(own, LOCK_SH | LOCK_NB);
        _exit(shared == 0 && fresh == -1 && errno == EWOULDBLOCK ? 7 : 8);
    }
    SHOW(status_of(child));
    SHOW(flock(own, LOCK_SH | LOCK_NB)); /* the child's end did not unlock it */
    child = fork();
    if (child == 0) {
        flock(fd, LOCK_UN);
        _exit(0);
    }
    SHOW(status_of(child));
    SHOW(flock(own, LOCK_SH | LOCK_NB));

    /* A killed process leaves nothing. */
    child = fork();
    if (child == 0) {
        if (locks(own, F_SETLK, F_WRLCK, 0, 0) == 0)
            say(to_parent[1]);
        pause();
    }
    await(to_parent[0]);
    SHOW(locks(fd, F_SETLK, F_WRLCK, 0, 0));
    kill(child, SIGKILL);
    SHOW(status_of(child));
    SHOW(locks(fd, F_SETLK, F_WRLCK, 0, 0));
    close(fd);
    close(own);
    close(to_child[0]);
    close(to_child[1]);
    close(to_parent[0]);
    close(to_parent[1]);
    SHOW(unlink("f"));
    return 0;
}
