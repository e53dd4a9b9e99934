/* chown(2), fchown(2), fchownat(2): owners, -1, and the set-user-id bits that go with them. */
#include "check.h"

static void show_owner(const char *what, const char *path)
{
    struct stat st;
    lstat(path, &st);
    printf("%s: %d %d %o\n", what, st.st_uid, st.st_gid, st.st_mode & 07777);
}

int main(void)
{
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    mkdir("d", 0755);
    symlink("f", "l");
    show_owner("new", "f");
    SHOW(chown("f", 5, 6));
    show_owner("chown", "f");
    SHOW(chown("f", -1, 7));
    show_owner("group only", "f");
    SHOW(fchown(fd, 8, -1));
    show_owner("user only", "f");
    SHOW(chown("f", -1, -1));
    show_owner("neither", "f");
    SHOW(chown("f", 0x7fffffff, 0x7ffffffe));
    show_owner("large", "f");
    SHOW(lchown("l", 9, 10));
    show_owner("link", "l");
    show_owner("its target", "f");
    SHOW(fchownat(AT_FDCWD, "l", 11, 12, 0));
    show_owner("through the link", "f");
    SHOW(fchownat(AT_FDCWD, "l", 13, 14, AT_SYMLINK_NOFOLLOW));
    show_owner("not through it", "l");
    SHOW(fchownat(fd, "", 15, 16, AT_EMPTY_PATH));
    show_owner("by descriptor", "f");
    SHOW(fchownat(fd, "", 15, 16, 0));
    SHOW(fchownat(AT_FDCWD, "f", 15, 16, 0x4000));
    SHOW(fchownat(99, "f", 1, 1, 0));
    SHOW(fchown(99, 1, 1));
    SHOW(chown("absent", 1, 1));
    SHOW(chown("f/x", 1, 1));
    SHOW(chown((char *)1, 1, 1));
    int path = open("f", O_PATH);
    SHOW(fchown(path, 1, 1));
    SHOW(fchownat(path, "", 1, 1, AT_EMPTY_PATH));
    close(path);

    MUST(chmod("f", 06755));
    SHOW(chown("f", 2, 2)); /* a new owner is nobody's set-user-id */
    show_owner("executable", "f");
    MUST(chmod("f", 02644));
    SHOW(chown("f", 3, 3));
    show_owner("group not executable", "f");
    MUST(chmod("f", 06777));
    SHOW(chown("f", -1, -1));
    show_owner("neither", "f");
    MUST(chmod("d", 07755));
    SHOW(chown("d", 2, 2));
    show_owner("directory", "d");
    MUST(chown("d", 0, 77));
    MUST(chmod("d", 02755));
    close(open("d/f", O_WRONLY | O_CREAT, 0644));
    show_owner("made in a set-group-id directory", "d/f");
    mkdir("d/e", 0755);
    show_owner("directory made in it", "d/e");
    unlink("d/f");
    rmdir("d/e");
    close(fd);
    unlink("f");
    unlink("l");
    rmdir("d");
    return 0;
}
