/* link(2), linkat(2), unlink(2), unlinkat(2): what may be linked and removed, and link counts. */
#include "check.h"

static long links(const char *path)
{
    struct stat st;
    return lstat(path, &st) ? -1 : (long)st.st_nlink;
}

int main(void)
{
    struct stat st;
    char text[8] = {0};
    MUST(mkdir("d", 0755));
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    MUST(write(fd, "data", 4));
    SHOW(links("d"));
    SHOW(mkdir("d/a", 0755));
    SHOW(mkdir("d/b", 0755));
    SHOW(links("d")); /* ".." of each inside */
    SHOW(rmdir("d/a"));
    SHOW(links("d"));
    SHOW(rename("d/b", "b"));
    SHOW(links("d"));
    SHOW(rmdir("b"));
    SHOW(link("f", "g"));
    SHOW(link("f", "d/h"));
    SHOW(links("f"));
    SHOW(link("f", "g"));
    SHOW(link("d", "x"));
    SHOW(link("absent", "x"));
    SHOW(link("f", "absent/x"));
    SHOW(link("f", "f/x"));
    SHOW(link("f", "."));
    SHOW(link("f", "/"));
    SHOW(linkat(fd, "", AT_FDCWD, "by_fd", AT_EMPTY_PATH));
    SHOW(linkat(fd, "", AT_FDCWD, "x", 0));
    SHOW(links("by_fd"));
    SHOW(linkat(99, "f", AT_FDCWD, "x", 0));
    SHOW(linkat(fd, "f", AT_FDCWD, "x", 0));
    int directory = open("d", O_RDONLY | O_DIRECTORY);
    SHOW(linkat(directory, "h", directory, "i", 0));
    SHOW(linkat(AT_FDCWD, "f", directory, "j", 0));
    SHOW(links("f"));
    SHOW(unlinkat(directory, "i", 0));
    SHOW(unlinkat(directory, "j", AT_REMOVEDIR));
    SHOW(unlinkat(directory, "j", 0));
    SHOW(unlinkat(directory, ".", AT_REMOVEDIR));
    SHOW(unlinkat(directory, "..", AT_REMOVEDIR));
    SHOW(unlinkat(directory, "..", 0));
    SHOW(unlinkat(AT_FDCWD, "d", 0));
    SHOW(unlinkat(AT_FDCWD, "f", 0x1000));
    SHOW(unlinkat(99, "f", 0));
    SHOW(unlink("/"));
    SHOW(rmdir("/"));
    SHOW(unlink("f"));
    SHOW(unlink("f"));
    SHOW(unlink("g"));
    SHOW(unlink("by_fd"));
    SHOW(unlink("d/h"));
    SHOW(fstat(fd, &st));
    SHOW(st.st_nlink);
    SHOW(pread(fd, text, 8, 0)); /* the file lives while it is open */
    SHOW(linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH)); /* but cannot be named again */
    SHOW(rmdir("d"));
    SHOW(fstat(directory, &st));
    SHOW(st.st_nlink);
    SHOW(openat(directory, "x", O_WRONLY | O_CREAT, 0644));
    SHOW(openat(directory, ".", O_RDONLY) >= 0);
    close(directory);
    close(fd);
    return 0;
}
