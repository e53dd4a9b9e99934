/* chmod(2), umask(2), mkdir(2), mknod(2): mode bits, what the mask takes away, special bits. */
#include "check.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* newer than the C library */
#endif

static void show_mode(const char *path)
{
    struct stat st;
    if (lstat(path, &st))
        printf("%s: %s\n", path, strerrorname_np(errno));
    else
        printf("%s: %o\n", path, st.st_mode);
}

int main(void)
{
    const mode_t masks[] = {0, 022, 077, 0777, 0111};
    const mode_t modes[] = {0, 0644, 0777, 01777, 02755, 04755, 07777, 0100600, 0200000};
    CHECK(umask(0) == 022);
    for (int i = 0; i < 5; i++) {
        umask(masks[i]);
        close(open("f", O_WRONLY | O_CREAT, 0666));
        show_mode("f");
        mkdir("d", 0777);
        show_mode("d");
        mknod("n", S_IFREG | 0666, 0);
        show_mode("n");
        mkfifo("p", 0666);
        show_mode("p");
        symlink("x", "s");
        show_mode("s"); /* no mask for links */
        unlink("f");
        rmdir("d");
        unlink("n");
        unlink("p");
        unlink("s");
    }
    CHECK(umask(07777) == 0111);
    CHECK(umask(0) == 0777); /* the rest is not kept */
    for (int i = 0; i < 9; i++) {
        int fd = open("f", O_WRONLY | O_CREAT, modes[i]);
        show_mode("f");
        CHECK(fd >= 0); /* the mode does not bind the one who makes it */
        SHOW(fchmod(fd, modes[8 - i]));
        show_mode("f");
        close(fd);
        unlink("f");
        mkdir("d", modes[i]);
        show_mode("d");
        SHOW(chmod("d", modes[8 - i]));
        show_mode("d");
        rmdir("d");
    }
    SHOW(mknod("x", S_IFDIR | 0755, 0));
    SHOW(mknod("x", S_IFLNK | 0755, 0));
    SHOW(mknod("x", 0644, 0));
    show_mode("x");
    SHOW(mknod("x", S_IFREG, 0));
    SHOW(unlink("x"));
    SHOW(mknod("x", S_IFSOCK | 0600, 0));
    show_mode("x");
    SHOW(unlink("x"));
    SHOW(chmod("absent", 0));
    SHOW(fchmod(99, 0));
    SHOW(fchmodat(99, "f", 0, 0));
    SHOW(chmod((char *)1, 0));
    int path = open(".", O_PATH);
    SHOW(fchmod(path, 0755));
    SHOW(fchmodat(AT_FDCWD, "absent", 0, 0));
    SHOW(syscall(SYS_fchmodat2, AT_FDCWD, ".", 0755, 0x4000));
    close(path);
    return 0;
}
