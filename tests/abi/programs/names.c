/* link(2), unlink(2), rename(2), renameat2(2), mkdir(2), rmdir(2), symlink(2), readlink(2), getcwd(2),
 * chdir(2), fchdir(2): every refusal the man pages list that root can meet. */
#include "check.h"
#include <linux/fs.h>

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    MUST(write(fd, text, strlen(text)));
    close(fd);
}

static void get(const char *path)
{
    char text[32] = {0};
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        printf("%s: %s\n", path, strerrorname_np(errno));
        return;
    }
    MUST(read(fd, text, 31));
    printf("%s: %s\n", path, text);
    close(fd);
}

int main(void)
{
    char buffer[4096];
    SHOW(mkdir("t", 0755));
    MUST(chdir("t"));
    put("a", "A");
    put("b", "B");
    SHOW(link("a", "a2"));
    SHOW(link("a", "b"));
    SHOW(link("missing", "c"));
    SHOW(link(".", "c"));
    SHOW(rename("a", "b"));
    get("b");
    get("a");
    SHOW(rename("a2", "b"));
    get("a2");
    SHOW(unlink("a2"));
    SHOW(rename("missing", "x"));
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("missing/d", 0755));
    SHOW(mkdir("b/d", 0755));
    SHOW(mkdir("e/", 0755));
    SHOW(rename("b", "d"));
    SHOW(rename("d", "b"));
    put("d/in", "in");
    SHOW(rename("e", "d"));
    SHOW(rename("d", "e"));
    get("e/in");
    SHOW(rename("e", "e/sub"));
    SHOW(rename("e", "e"));
    SHOW(rmdir("e"));
    SHOW(rmdir("b"));
    SHOW(unlink("e"));
    SHOW(rmdir("."));
    SHOW(rmdir("e/.."));
    SHOW(unlink("b/"));
    put("p", "P");
    put("q", "Q");
    SHOW(renameat2(AT_FDCWD, "p", AT_FDCWD, "q", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "p", AT_FDCWD, "q", RENAME_EXCHANGE));
    get("p");
    SHOW(renameat2(AT_FDCWD, "p", AT_FDCWD, "q", RENAME_EXCHANGE | RENAME_NOREPLACE));
    SHOW(symlink("e/in", "s"));
    SHOW(symlink("x", "s"));
    SHOW(readlink("s", buffer, 3));
    SHOW(readlink("s", buffer, sizeof buffer));
    SHOW(readlink("p", buffer, sizeof buffer));
    SHOW(readlink("s", buffer, 0));
    get("s");
    SHOW(symlink("loop2", "loop1"));
    SHOW(symlink("loop1", "loop2"));
    SHOW(open("loop1", O_RDONLY));
    SHOW(symlink("", "empty"));
    SHOW(unlink("s"));
    get("e/in");

    int fd = open("open", O_RDWR | O_CREAT, 0600);
    write(fd, "still", 5);
    SHOW(unlink("open"));
    struct stat st;
    fstat(fd, &st);
    CHECK(st.st_nlink == 0);
    CHECK(pread(fd, buffer, 10, 0) == 5);
    SHOW(open("open", O_RDONLY));
    close(fd);

    int here = open(".", O_RDONLY | O_DIRECTORY);
    CHECK(getcwd(buffer, sizeof buffer) != NULL && strcmp(buffer + strlen(buffer) - 2, "/t") == 0);
    SHOW(syscall(SYS_getcwd, buffer, 1));
    SHOW(chdir("e"));
    SHOW(access("in", F_OK));
    SHOW(access("../b", F_OK));
    SHOW(chdir("in"));
    SHOW(chdir("missing"));
    SHOW(fchdir(here));
    SHOW(access("e/in", F_OK));
    SHOW(unlinkat(here, "e/in", 0));
    SHOW(unlinkat(here, "e", 0));
    SHOW(unlinkat(here, "e", AT_REMOVEDIR));
    SHOW(unlinkat(here, "e", 0x1234));
    int file = open("b", O_RDONLY);
    SHOW(fchdir(file));
    close(file);
    close(here);
    const char *left[] = {"b", "p", "q", "loop1", "loop2"};
    for (int i = 0; i < 5; i++)
        SHOW(unlink(left[i]));
    SHOW(chdir(".."));
    SHOW(rmdir("t"));
    return 0;
}
