/* rename(2), renameat2(2): replacing, kinds that do not fit, moving into oneself, NOREPLACE, EXCHANGE. */
#include "check.h"

static void make(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    MUST(fd);
    MUST(write(fd, text, strlen(text)));
    close(fd);
}

static void tell(const char *path)
{
    char text[32] = {0};
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        printf("%s: %s\n", path, strerrorname_np(errno));
        return;
    }
    if (read(fd, text, sizeof text - 1) < 0)
        snprintf(text, sizeof text, "(%s)", strerrorname_np(errno));
    printf("%s: %s\n", path, text);
    close(fd);
}

int main(void)
{
    char text[8] = {0};
    make("a", "A");
    make("b", "B");
    int held = open("b", O_RDONLY);
    SHOW(rename("a", "b"));
    tell("a");
    tell("b");
    SHOW(read(held, text, 8));
    CHECK(text[0] == 'B');
    close(held);
    SHOW(rename("b", "b"));
    SHOW(link("b", "c"));
    SHOW(rename("b", "c")); /* the same file: nothing happens */
    tell("b");
    SHOW(rename("absent", "x"));
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("e", 0755));
    make("e/inside", "I");
    SHOW(rename("b", "d"));
    SHOW(rename("d", "b"));
    SHOW(rename("d", "e"));
    SHOW(rename("e", "d"));
    tell("d/inside");
    tell("e");
    SHOW(mkdir("d/sub", 0755));
    SHOW(rename("d", "d/sub/x"));
    SHOW(rename("d/sub", "d"));
    SHOW(rename("d", "d/sub"));
    SHOW(rename(".", "x"));
    SHOW(rename("d/.", "x"));
    SHOW(rename("d/..", "x"));
    SHOW(rename("b", "new/"));
    SHOW(rename("d", "new/"));
    tell("new/inside");
    SHOW(rename("b/", "x"));

    SHOW(renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "b", AT_FDCWD, "n", RENAME_NOREPLACE));
    make("c", "C");
    make("n", "N");
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "n", RENAME_EXCHANGE));
    tell("c");
    tell("n");
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "absent", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "new", RENAME_EXCHANGE));
    tell("new");
    tell("c/inside");
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "n", RENAME_NOREPLACE | RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "n", 64));
    SHOW(symlink("n", "s"));
    SHOW(rename("s", "t"));
    tell("t");
    unlink("t");
    unlink("n");
    unlink("new");
    unlink("c/inside");
    rmdir("c/sub");
    SHOW(rmdir("c"));
    return 0;
}
