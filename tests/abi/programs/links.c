/* link(2), unlink(2), symlink(2), readlink(2): counts, files that live on while open, loops. */
#include "check.h"

static long links_of(const char *path)
{
    struct stat s;
    return lstat(path, &s) == 0 ? (long)s.st_nlink : -1;
}

static void hard(void)
{
    struct stat a, b;
    char text[8] = {0};
    int fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0644);
    MUST(fd);
    SHOW(write(fd, "data", 4));
    SHOW(link("a", "b"));
    SHOW(links_of("b"));
    stat("a", &a);
    stat("b", &b);
    CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    SHOW(link("a", "b"));
    SHOW(link("absent", "c"));
    SHOW(link(".", "c"));
    SHOW(unlink("a"));
    SHOW(unlink("a"));
    SHOW(links_of("b"));
    SHOW(unlink("b"));
    fstat(fd, &a);
    SHOW(a.st_nlink);
    SHOW(pread(fd, text, 8, 0));
    SHOW(pwrite(fd, "more", 4, 4));
    SHOW(lseek(fd, 0, SEEK_END));
    close(fd);
    SHOW(unlink("."));
    mkdir("d", 0755);
    SHOW(unlink("d"));
    SHOW(unlink("d/"));
    rmdir("d");
}

static void soft(void)
{
    char text[32];
    memset(text, '#', sizeof text);
    SHOW(symlink("target/of", "s"));
    SHOW(symlink("x", "s"));
    SHOW(symlink("", "t"));
    SHOW(readlink("s", text, sizeof text));
    CHECK(memcmp(text, "target/of#", 10) == 0);
    SHOW(readlink("s", text, 3));
    SHOW(readlink("s", text, 0));
    SHOW(readlink(".", text, sizeof text));
    SHOW(readlink("absent", text, sizeof text));
    SHOW(link("s", "hard"));
    SHOW(links_of("s"));
    SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "other", AT_SYMLINK_FOLLOW));
    SHOW(unlink("hard"));
    SHOW(unlink("s"));
}

static void loops(void)
{
    char name[16], target[16];
    SHOW(symlink("l2", "l1"));
    SHOW(symlink("l1", "l2"));
    SHOW(open("l1", O_RDONLY));
    SHOW(open("l1/x", O_RDONLY));
    SHOW(open("l1", O_RDONLY | O_CREAT, 0644));
    SHOW(links_of("l1"));
    SHOW(access("l1", F_OK));
    SHOW(unlink("l1"));
    SHOW(unlink("l2"));
    close(open("end", O_WRONLY | O_CREAT, 0644));
    for (int i = 0; i <= 40; i++) { /* path_resolution(7): 40 are followed, not 41 */
        snprintf(name, sizeof name, "n%d", i);
        snprintf(target, sizeof target, i ? "n%d" : "end", i - 1);
        MUST(symlink(target, name));
    }
    SHOW(access("n39", F_OK));
    SHOW(access("n40", F_OK));
    for (int i = 0; i <= 40; i++) {
        snprintf(name, sizeof name, "n%d", i);
        MUST(unlink(name));
    }
    SHOW(unlink("end"));
}

int main(void)
{
    hard();
    soft();
    loops();
    return 0;
}
