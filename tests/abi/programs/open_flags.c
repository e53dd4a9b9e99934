/* open(2), openat(2): creation, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_CLOEXEC,
 * trailing slashes, lowest descriptor. */
#include "check.h"

int main(void)
{
    umask(022);
    SHOW(open("none", O_RDONLY));
    int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0666);
    CHECK(fd == 3);
    SHOW(open("f", O_RDWR | O_CREAT | O_EXCL, 0666));
    struct stat st;
    fstat(fd, &st);
    printf("mode %o\n", st.st_mode);
    SHOW(write(fd, "hello", 5));
    int append = open("f", O_WRONLY | O_APPEND);
    SHOW(write(append, "!", 1));
    SHOW(lseek(append, 0, SEEK_SET));
    SHOW(write(append, "?", 1));
    char buffer[16] = {0};
    SHOW(pread(fd, buffer, 16, 0));
    printf("%s\n", buffer);
    SHOW(read(append, buffer, 1));
    SHOW(fcntl(append, F_GETFL) & (O_ACCMODE | O_APPEND));
    close(append);
    int truncated = open("f", O_RDONLY | O_TRUNC);
    fstat(fd, &st);
    SHOW(st.st_size);
    SHOW(write(truncated, "x", 1));
    close(truncated);
    SHOW(open("f", O_RDONLY | O_DIRECTORY));
    SHOW(open("f/", O_RDONLY));
    SHOW(open("f/x", O_RDONLY));
    SHOW(mkdir("d", 0777));
    SHOW(open("d", O_WRONLY));
    SHOW(open("d", O_RDONLY | O_CREAT, 0666));
    int directory = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    SHOW(fcntl(directory, F_GETFD));
    SHOW(read(directory, buffer, 1));
    int inside = openat(directory, "g", O_CREAT | O_WRONLY, 0600);
    CHECK(inside > directory);
    SHOW(openat(inside, "x", O_RDONLY));
    SHOW(openat(999, "x", O_RDONLY));
    SHOW(openat(AT_FDCWD, "", O_RDONLY));
    close(inside);
    MUST(symlink("f", "link"));
    SHOW(open("link", O_RDONLY | O_NOFOLLOW));
    int path = open("link", O_PATH | O_NOFOLLOW);
    CHECK(path >= 0);
    SHOW(read(path, buffer, 1));
    fstat(path, &st);
    CHECK(S_ISLNK(st.st_mode));
    close(path);
    MUST(symlink("made-through-link", "dangling"));
    SHOW(open("dangling", O_RDONLY));
    SHOW(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0600));
    int through = open("dangling", O_CREAT | O_WRONLY, 0600);
    CHECK(through >= 0 && access("made-through-link", F_OK) == 0);
    close(through);
    char name[300];
    memset(name, 'n', 299);
    name[299] = 0;
    SHOW(open(name, O_CREAT | O_WRONLY, 0600));
    char *deep = malloc(5000);
    memset(deep, '/', 4999);
    deep[4999] = 0;
    SHOW(open(deep, O_RDONLY));
    free(deep);
    close(fd);
    close(directory);
    unlinkat(AT_FDCWD, "d/g", 0);
    rmdir("d");
    unlink("f");
    unlink("link");
    unlink("dangling");
    unlink("made-through-link");
    return 0;
}
