/* stat(2), fstatat(2), statx(2), access(2), chmod(2), chown(2), utimensat(2), statfs(2). */
#include "check.h"
#include <sys/statfs.h>
#include <sys/sysmacros.h>

int main(void)
{
    struct stat a, b;
    umask(0);
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0640);
    write(fd, "12345", 5);
    SHOW(stat("f", &a));
    SHOW(fstat(fd, &b));
    CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    printf("mode %o links %ld size %ld uid %d\n", a.st_mode, (long)a.st_nlink, (long)a.st_size, a.st_uid);
    CHECK(a.st_blksize == 4096 && a.st_blocks > 0);
    MUST(symlink("f", "l"));
    SHOW(lstat("l", &b));
    CHECK(S_ISLNK(b.st_mode) && b.st_size == 1);
    SHOW(fstatat(AT_FDCWD, "l", &b, 0));
    CHECK(b.st_ino == a.st_ino);
    SHOW(fstatat(AT_FDCWD, "l", &b, AT_SYMLINK_NOFOLLOW));
    CHECK(b.st_ino != a.st_ino);
    SHOW(fstatat(fd, "", &b, AT_EMPTY_PATH));
    CHECK(b.st_ino == a.st_ino);
    SHOW(fstatat(fd, "", &b, 0));
    SHOW(fstatat(AT_FDCWD, "f", &b, 0x40000000));
    SHOW(stat("f/x", &b));
    SHOW(stat("", &b));
    SHOW(link("f", "f2"));
    stat("f", &a);
    SHOW(a.st_nlink);
    SHOW(chmod("f2", 0751));
    SHOW(fchmod(fd, 04711));
    stat("f", &a);
    printf("mode %o\n", a.st_mode);
    SHOW(chown("f", 33, -1));
    SHOW(fchownat(AT_FDCWD, "l", 44, 55, AT_SYMLINK_NOFOLLOW));
    stat("f", &a);
    lstat("l", &b);
    printf("%d:%d %d:%d mode %o\n", a.st_uid, a.st_gid, b.st_uid, b.st_gid, a.st_mode);
    struct timespec times[2] = {{100, 5}, {200, 999999999}};
    SHOW(futimens(fd, times));
    stat("f", &a);
    printf("%ld.%ld %ld.%ld\n", (long)a.st_atim.tv_sec, a.st_atim.tv_nsec, (long)a.st_mtim.tv_sec, a.st_mtim.tv_nsec);
    CHECK(a.st_ctim.tv_sec > 1000000000);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_NOW;
    SHOW(utimensat(AT_FDCWD, "f", times, 0));
    stat("f", &a);
    CHECK(a.st_atim.tv_sec == 100 && a.st_mtim.tv_sec > 1000000000);
    times[0].tv_nsec = 1000000000;
    SHOW(utimensat(AT_FDCWD, "f", times, 0));
    struct statx x;
    SHOW(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
    CHECK(x.stx_size == 5 && x.stx_ino == a.st_ino && (x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    SHOW(access("f", R_OK | W_OK));
    SHOW(access("missing", F_OK));
    SHOW(access("f", 8));
    SHOW(faccessat(AT_FDCWD, "f", X_OK, AT_EACCESS));
    struct statfs fs;
    SHOW(statfs(".", &fs));
    CHECK(fs.f_bsize >= 512 && fs.f_namelen == 255);
    SHOW(fstatfs(99, &fs));
    stat("/dev/null", &a);
    CHECK(S_ISCHR(a.st_mode) && major(a.st_rdev) == 1 && minor(a.st_rdev) == 3);
    SHOW(umask(027));
    SHOW(umask(022));
    close(fd);
    unlink("f");
    unlink("f2");
    unlink("l");
    return 0;
}
