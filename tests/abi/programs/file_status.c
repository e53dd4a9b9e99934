/* stat(2), statx(2), chmod(2), chown(2), utimensat(2), umask(2), access(2), statfs(2), fsync(2). */
#include "check.h"
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <utime.h>

static void tell(const char *path)
{
    struct stat s;
    if (lstat(path, &s) != 0) {
        printf("%s: %s\n", path, strerrorname_np(errno));
        return;
    }
    printf("%s: mode %o, links %ld, owner %u:%u, size %ld\n", path, s.st_mode,
           S_ISDIR(s.st_mode) ? 0L : (long)s.st_nlink, s.st_uid, s.st_gid,
           S_ISDIR(s.st_mode) ? 0L : (long)s.st_size);
}

static void times(int fd)
{
    struct stat s;
    struct timespec both[2] = {{1000, 111}, {2000, 222}};
    SHOW(utimensat(AT_FDCWD, "f", both, 0));
    stat("f", &s);
    CHECK(s.st_atim.tv_sec == 1000 && s.st_mtim.tv_sec == 2000 && s.st_ctim.tv_sec > 2000);
    CHECK(s.st_atim.tv_nsec == 111 && s.st_mtim.tv_nsec == 222);
    both[0].tv_nsec = UTIME_OMIT;
    both[1].tv_nsec = UTIME_NOW;
    SHOW(futimens(fd, both));
    stat("f", &s);
    CHECK(s.st_atim.tv_sec == 1000 && s.st_mtim.tv_sec > 2000);
    both[0].tv_nsec = 1000000000;
    SHOW(futimens(fd, both));
    SHOW(utimensat(AT_FDCWD, "absent", NULL, 0));
    SHOW(utimensat(AT_FDCWD, "f", both, 0x4000000));
    struct utimbuf old = {5, 6};
    SHOW(utime("f", &old));
    fstat(fd, &s);
    CHECK(s.st_atim.tv_sec == 5 && s.st_mtim.tv_sec == 6 && s.st_mtim.tv_nsec == 0);
    SHOW(pwrite(fd, "x", 1, 0));
    fstat(fd, &s);
    CHECK(s.st_mtim.tv_sec > 2000);
}

static void extended(int fd)
{
    struct statx x;
    struct stat s;
    SHOW(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
    fstat(fd, &s);
    CHECK((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    CHECK(x.stx_ino == s.st_ino && x.stx_size == (uint64_t)s.st_size && x.stx_mode == s.st_mode);
    CHECK(makedev(x.stx_dev_major, x.stx_dev_minor) == s.st_dev && x.stx_nlink == s.st_nlink);
    CHECK(x.stx_mtime.tv_sec == s.st_mtim.tv_sec && x.stx_blksize == (uint32_t)s.st_blksize);
    SHOW(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
    SHOW(statx(fd, "", 0, STATX_SIZE, &x));
    SHOW(statx(AT_FDCWD, "f", 0x1, STATX_SIZE, &x));
    SHOW(statx(AT_FDCWD, "f", 0, 0x80000000, &x));
    SHOW(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &x));
}

int main(void)
{
    SHOW((umask(027), 0));
    int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0777);
    MUST(fd);
    tell("f");
    printf("umask %o\n", umask(022));
    SHOW(mkdir("d", 01777));
    tell("d");
    SHOW(symlink("f", "s"));
    tell("s");
    SHOW(chmod("s", 04751));
    tell("f");
    SHOW(fchmod(fd, 0600));
    tell("f");
    SHOW(fchmodat(AT_FDCWD, "absent", 0600, 0));
    SHOW(chown("f", 12, 34));
    tell("f");
    SHOW(chown("f", -1, 56));
    tell("f");
    SHOW(lchown("s", 7, 8));
    tell("s");
    tell("f");
    SHOW(fchownat(fd, "", 1, 2, AT_EMPTY_PATH));
    tell("f");
    SHOW(chmod("f", 06755));
    SHOW(fchown(fd, 3, 4)); /* takes the setuid and setgid bits away: chown(2) */
    tell("f");
    tell("absent");
    tell("f/x");
    SHOW(write(fd, "12345", 5));
    times(fd);
    extended(fd);
    SHOW(access("f", F_OK));
    SHOW(access("f", R_OK | W_OK));
    SHOW(access("absent", F_OK));
    SHOW(access("f", 8));
    SHOW(faccessat(AT_FDCWD, "s", F_OK, AT_SYMLINK_NOFOLLOW));
    struct statfs fs;
    SHOW(statfs("f", &fs));
    CHECK(fs.f_bsize > 0 && fs.f_namelen == 255);
    SHOW(fstatfs(fd, &fs));
    SHOW(fstatfs(99, &fs));
    SHOW(statfs("absent", &fs));
    SHOW(fsync(fd));
    SHOW(fdatasync(fd));
    SHOW(fsync(99));
    close(fd);
    unlink("s");
    unlink("f");
    SHOW(rmdir("d"));
    return 0;
}
