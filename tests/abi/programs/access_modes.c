/* access(2), faccessat(2), faccessat2(2): as root; flags and errors. */
#include "check.h"

int main(void)
{
    const int modes[] = {0, 0111, 0444, 0666, 0777};
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    mkdir("d", 0);
    symlink("f", "l");
    symlink("absent", "dangling");
    for (int i = 0; i < 5; i++) {
        MUST(chmod("f", modes[i]));
        printf("%o: r %d w %d x %d\n", modes[i], access("f", R_OK), access("f", W_OK), access("f", X_OK));
    }
    SHOW(access("d", R_OK | W_OK | X_OK)); /* a directory is always searchable for root */
    SHOW(access("f", 8));
    SHOW(access("f", -1));
    SHOW(access("l", F_OK));
    SHOW(access("dangling", F_OK));
    SHOW(access("f/x", F_OK));
    SHOW(access((char *)1, F_OK));
    SHOW(faccessat(AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
    SHOW(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
    SHOW(faccessat(AT_FDCWD, "f", R_OK, 0x4000));
    SHOW(faccessat(99, "f", F_OK, 0));
    SHOW(faccessat(fd, "x", F_OK, 0));
    SHOW(syscall(SYS_faccessat2, fd, "", F_OK, AT_EMPTY_PATH));
    SHOW(syscall(SYS_faccessat2, fd, "", F_OK, 0));
    SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f", 9, 0));
    SHOW(syscall(SYS_faccessat, AT_FDCWD, "f", R_OK));
    close(fd);
    unlink("f");
    unlink("l");
    unlink("dangling");
    rmdir("d");
    return 0;
}
