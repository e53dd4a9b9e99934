/* stat(2), fstatat(2), statx(2): the same facts by every call, of every kind of file; the errors. */
#include "check.h"
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

static int agree(const struct stat *a, const struct statx *x)
{
    return a->st_ino == x->stx_ino && a->st_mode == x->stx_mode && a->st_nlink == x->stx_nlink &&
           a->st_uid == x->stx_uid && a->st_gid == x->stx_gid && a->st_size == (off_t)x->stx_size &&
           a->st_blocks == (blkcnt_t)x->stx_blocks && a->st_mtim.tv_sec == x->stx_mtime.tv_sec &&
           a->st_mtim.tv_nsec == x->stx_mtime.tv_nsec && major(a->st_dev) == x->stx_dev_major &&
           minor(a->st_dev) == x->stx_dev_minor && major(a->st_rdev) == x->stx_rdev_major &&
           minor(a->st_rdev) == x->stx_rdev_minor && (unsigned)a->st_blksize == x->stx_blksize;
}

static void by_path(const char *path)
{
    struct stat plain, at;
    struct statx x;
    int results = stat(path, &plain) | fstatat(AT_FDCWD, path, &at, 0) |
                  statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &x);
    printf("%s: %d, agree %d %d, kind %o\n", path, results, memcmp(&plain, &at, sizeof at) == 0,
           agree(&plain, &x), plain.st_mode & S_IFMT);
}

static void by_descriptor(const char *what, int fd)
{
    struct stat plain, at;
    struct statx x;
    int results = fstat(fd, &plain) | fstatat(fd, "", &at, AT_EMPTY_PATH) |
                  statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x);
    printf("%s: %d, agree %d, kind %o\n", what, results, agree(&plain, &x), plain.st_mode & S_IFMT);
    close(fd);
}

int main(void)
{
    struct stat st;
    struct statx x;
    int p[2], fd = open("f", O_RDWR | O_CREAT, 0644);
    MUST(write(fd, "12345", 5));
    MUST(symlink("f", "l"));
    by_path("f");
    by_path("l");
    by_path(".");
    by_path("/");
    by_path("/dev/null");
    MUST(pipe(p));
    by_descriptor("pipe", p[0]);
    by_descriptor("eventfd", eventfd(0, 0));
    by_descriptor("socket", socket(AF_UNIX, SOCK_STREAM, 0));
    by_descriptor("directory", open(".", O_RDONLY));
    close(p[1]);
    SHOW(statx(AT_FDCWD, "f", AT_SYMLINK_NOFOLLOW, STATX_SIZE, &x));
    CHECK((x.stx_mask & STATX_SIZE) && x.stx_size == 5);
    SHOW(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &x));
    SHOW(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &x));
    SHOW(statx(AT_FDCWD, "f", 0, 0x80000000, &x));
    SHOW(statx(AT_FDCWD, "f", 0x1, STATX_BASIC_STATS, &x));
    SHOW(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, (void *)1));
    SHOW(statx(99, "f", 0, STATX_BASIC_STATS, &x));
    SHOW(statx(AT_FDCWD, "absent", 0, STATX_BASIC_STATS, &x));
    SHOW(statx(AT_FDCWD, "", 0, STATX_BASIC_STATS, &x));
    SHOW(syscall(SYS_stat, "f", (void *)1));
    SHOW(syscall(SYS_fstat, fd, (void *)1));
    SHOW(syscall(SYS_stat, "absent", (void *)1));
    SHOW(syscall(SYS_fstat, 99, (void *)1));
    SHOW(fstatat(AT_FDCWD, "f", &st, 0x20000));
    SHOW(fstatat(99, "f", &st, 0));
    SHOW(fstatat(fd, "x", &st, 0));
    SHOW(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
    CHECK(S_ISDIR(st.st_mode));
    SHOW(fstatat(AT_FDCWD, "l", &st, AT_SYMLINK_NOFOLLOW));
    SHOW(st.st_size);
    stat("/dev/null", &st);
    printf("null is %d:%d\n", major(st.st_rdev), minor(st.st_rdev));
    close(fd);
    unlink("f");
    unlink("l");
    return 0;
}
