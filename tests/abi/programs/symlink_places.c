/* path_resolution(7), symlink(7): links in every place of a path, and which calls follow the last. */
#include "check.h"
#include <sys/time.h>
#include <utime.h>

static const char *kind(const char *path)
{
    struct stat st;
    if (lstat(path, &st))
        return strerrorname_np(errno);
    return S_ISLNK(st.st_mode) ? "link" : S_ISDIR(st.st_mode) ? "directory" : "file";
}

static long inode(const char *path, int flags)
{
    struct stat st;
    return fstatat(AT_FDCWD, path, &st, flags) ? -1 : (long)st.st_ino;
}

int main(void)
{
    char text[300] = {0}, absolute[600];
    MUST(mkdir("d", 0755));
    MUST(mkdir("d/e", 0755));
    close(open("d/e/f", O_WRONLY | O_CREAT, 0644));
    getcwd(text, sizeof text);
    snprintf(absolute, sizeof absolute, "%s/d", text);
    MUST(symlink("d", "l"));
    MUST(symlink(absolute, "a"));
    MUST(symlink("../e/f", "d/e/up"));
    MUST(symlink("l/e/up", "twice"));
    MUST(symlink(".", "d/here"));
    MUST(symlink("..", "d/e/parent"));
    const char *paths[] = {"l/e/f", "a/e/f", "d/e/up", "twice", "d/here/here/here/e/f",
                           "l/e/parent/e/parent/e/f", "a/here/e/up", "l/e/../e/f", "a/../d/e/f"};
    for (int i = 0; i < 9; i++)
        printf("%s: %d\n", paths[i], inode(paths[i], 0) == inode("d/e/f", 0));
    SHOW(inode("l/absent/f", 0));
    SHOW(access("l/e/f/x", F_OK));

    SHOW(symlink("to_new", "chain"));
    SHOW(open("chain", O_WRONLY | O_CREAT | O_EXCL, 0644));
    int fd = open("chain", O_WRONLY | O_CREAT, 0644); /* makes what it points to */
    CHECK(fd >= 0);
    close(fd);
    printf("chain %s, to_new %s\n", kind("chain"), kind("to_new"));
    SHOW(open("chain", O_RDONLY | O_NOFOLLOW));
    SHOW(open("l", O_RDONLY | O_NOFOLLOW));
    SHOW(open("l", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    SHOW(open("l/e", O_RDONLY | O_NOFOLLOW) >= 0); /* only the last counts */
    fd = open("chain", O_PATH | O_NOFOLLOW);
    memset(text, 0, sizeof text);
    SHOW(readlinkat(fd, "", text, sizeof text));
    printf("%s\n", text);
    close(fd);

    SHOW(link("chain", "hard")); /* link(2) does not follow */
    printf("hard %s\n", kind("hard"));
    SHOW(linkat(AT_FDCWD, "chain", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
    printf("followed %s\n", kind("followed"));
    SHOW(linkat(AT_FDCWD, "chain", AT_FDCWD, "x", 0x10000));
    SHOW(rename("chain", "renamed"));
    printf("renamed %s\n", kind("renamed"));
    SHOW(chmod("renamed", 0600));
    SHOW(fchmodat(AT_FDCWD, "renamed", 0600, AT_SYMLINK_NOFOLLOW));
    SHOW(truncate("renamed", 5));
    SHOW(chown("renamed", 1, 1));
    SHOW(lchown("renamed", 2, 2));
    struct stat of_link, of_file;
    lstat("renamed", &of_link);
    stat("renamed", &of_file);
    printf("link: owner %d, size %ld; file: owner %d, size %ld, mode %o\n", of_link.st_uid,
           (long)of_link.st_size, of_file.st_uid, (long)of_file.st_size, of_file.st_mode & 0777);
    struct timespec times[2] = {{100, 0}, {200, 0}};
    SHOW(utimensat(AT_FDCWD, "renamed", times, AT_SYMLINK_NOFOLLOW));
    lstat("renamed", &of_link);
    stat("renamed", &of_file);
    printf("link %ld, file %d\n", (long)of_link.st_mtime, of_file.st_mtime == 200);
    SHOW(unlink("renamed"));
    printf("to_new %s\n", kind("to_new"));
    SHOW(rmdir("l"));
    SHOW(mkdir("twice", 0755));
    SHOW(chdir("a/e"));
    getcwd(text, sizeof text);
    CHECK(!strcmp(text + strlen(text) - 4, "/d/e")); /* no link in it */
    SHOW(chdir("../.."));
    const char *left[] = {"l", "a", "twice", "d/here", "d/e/up", "d/e/parent", "d/e/f", "hard",
                          "followed", "to_new"};
    for (int i = 0; i < 10; i++)
        MUST(unlink(left[i]));
    MUST(rmdir("d/e"));
    MUST(rmdir("d"));
    return 0;
}
