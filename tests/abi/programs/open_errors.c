/* open(2), openat(2), creat(2), openat2(2): flags and the errors of every combination root can meet. */
#include "check.h"
#include <linux/openat2.h>

static void try(const char *path, int flags, const char *words)
{
    int fd = open(path, flags, 0644);
    if (fd < 0) {
        printf("%s %s: %s\n", path, words, strerrorname_np(errno));
        return;
    }
    int now = fcntl(fd, F_GETFL);
    printf("%s %s: opened, flags %o, close on exec %d\n", path, words,
           now & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_PATH | O_DSYNC | O_NOATIME),
           fcntl(fd, F_GETFD));
    close(fd);
}

#define TRY(path, flags) try(path, flags, #flags)

int main(void)
{
    close(open("f", O_WRONLY | O_CREAT, 0644));
    mkdir("d", 0755);
    TRY("f", O_RDONLY);
    TRY("f", O_WRONLY | O_TRUNC);
    TRY("f", O_RDWR | O_APPEND | O_CLOEXEC);
    TRY("f", 3);
    TRY("f", O_RDONLY | O_CREAT | O_EXCL);
    TRY("f", O_RDONLY | O_EXCL);
    TRY("f", O_RDONLY | O_DIRECTORY);
    TRY("f", O_PATH | O_RDWR | O_APPEND);
    TRY("f", O_RDWR | O_NONBLOCK | O_NOCTTY | O_SYNC);
    TRY("f", O_RDWR | O_DSYNC);
    TRY("f", O_RDONLY | O_NOATIME);
    TRY("f", O_RDONLY | 0x40000000);
    TRY("d", O_RDONLY);
    TRY("d", O_WRONLY);
    TRY("d", O_RDONLY | O_TRUNC);
    TRY("d", O_RDONLY | O_CREAT);
    TRY("d", O_RDONLY | O_CREAT | O_DIRECTORY);
    TRY("d", O_RDONLY | O_CREAT | O_EXCL);
    TRY("d", O_PATH | O_DIRECTORY);
    TRY("absent", O_RDONLY);
    TRY("absent", O_PATH);
    TRY("absent/f", O_RDONLY | O_CREAT);
    TRY("f/f", O_RDONLY | O_CREAT);
    TRY("new", O_RDONLY | O_CREAT | O_DIRECTORY);
    TRY(".", O_RDWR | O_TMPFILE);
    TRY(".", O_RDONLY | O_TMPFILE);
    TRY("f", O_RDWR | O_TMPFILE);
    TRY("/dev/null", O_RDWR | O_TRUNC | O_APPEND);
    TRY("/dev/null", O_RDONLY | O_DIRECTORY);
    TRY("/dev/null/x", O_RDONLY);
    SHOW(open((char *)1, O_RDONLY));
    SHOW(openat(99, "f", O_RDONLY));
    SHOW(openat(99, "/dev/null", O_RDONLY) >= 0); /* an absolute path needs no directory */
    int file = open("f", O_RDONLY), directory = open("d", O_RDONLY), path = open("d", O_PATH);
    SHOW(openat(file, "x", O_RDONLY));
    SHOW(openat(directory, "../f", O_RDONLY) >= 0);
    SHOW(openat(path, "x", O_WRONLY | O_CREAT, 0600) >= 0);
    SHOW(openat(directory, "x", O_RDONLY) >= 0);
    SHOW(creat("d/x", 0600) >= 0);
    SHOW(creat("d", 0600));

    struct open_how how = {.flags = O_RDONLY}, wrong = {.flags = 1ULL << 40};
    SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof how) >= 0);
    SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &wrong, sizeof wrong));
    SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &how, 8));
    SHOW(syscall(SYS_openat2, AT_FDCWD, "f", (void *)1, sizeof how));
    how.mode = 0644;
    SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof how)); /* a mode without O_CREAT */
    how = (struct open_how){.flags = O_CREAT | O_WRONLY, .mode = 01000000};
    SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof how));
    struct {
        struct open_how how;
        long more;
    } larger = {{.flags = O_RDONLY}, 0};
    SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &larger, sizeof larger) >= 0);
    larger.more = 1;
    SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &larger, sizeof larger));
    SHOW(close_range(3, 100, 0));
    unlink("d/x");
    unlink("f");
    rmdir("d");
    return 0;
}
