/* fork(2): descriptors are copies that share offsets and status flags, and close apart. */
#include "process.h"
#include <sys/eventfd.h>

static int file, appended, ends[2];

static int moves(void)
{
    char two[2];
    MUST(read(file, two, 2));
    MUST(fcntl(file, F_SETFL, O_NONBLOCK));
    MUST(fcntl(file, F_SETFD, FD_CLOEXEC));
    MUST(write(appended, "child", 5));
    close(appended);
    return two[0] == 'a';
}

static int reads_to_the_end(void)
{
    char byte;
    close(ends[1]);
    return read(ends[0], &byte, 1) == 0 ? 50 : 1;
}

static int opens_its_own(void)
{
    int fd = open("file", O_RDONLY);
    return fd; /* the lowest that is free in this table */
}

int main(void)
{
    char text[32] = {0};
    file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    MUST(write(file, "abcdef", 6));
    SHOW(lseek(file, 0, SEEK_SET));
    appended = open("appended", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0644);
    MUST(write(appended, "parent", 6));
    run("moves the offset", moves);
    SHOW(lseek(file, 0, SEEK_CUR));
    CHECK(fcntl(file, F_GETFL) & O_NONBLOCK);
    SHOW(fcntl(file, F_GETFD));
    SHOW(lseek(appended, 0, SEEK_CUR));
    MUST(write(appended, "more", 4));
    MUST(pread(appended, text, 31, 0));
    printf("%s\n", text);

    MUST(pipe(ends));
    pid_t pid = child(reads_to_the_end);
    sleep_ms(10);
    SHOW(waitpid(pid, NULL, WNOHANG)); /* the parent still holds the other end */
    close(ends[1]);
    reap("read to the end", pid);
    close(ends[0]);

    int lowest = dup(file);
    close(lowest);
    pid = child(opens_its_own);
    int status;
    MUST(waitpid(pid, &status, 0));
    CHECK(WEXITSTATUS(status) == lowest);
    CHECK(fcntl(lowest, F_GETFD) == -1);

    int event = eventfd(0, 0);
    uint64_t value = 5;
    pid = fork();
    if (pid == 0)
        _exit(write(event, &value, 8) == 8 ? 0 : 1);
    value = 0;
    MUST(read(event, &value, 8));
    SHOW(value);
    reap("adds to the event", pid);
    close(event);
    close(file);
    close(appended);
    unlink("file");
    unlink("appended");
    return 0;
}
