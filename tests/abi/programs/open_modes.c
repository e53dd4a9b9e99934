/* open(2): O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, and
 * what each access mode forbids. */
#include "check.h"

static long size_of(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 ? s.st_size : -1;
}

static void access_modes(void)
{
    char byte = 'x';
    int reader = open("f", O_RDONLY), writer = open("f", O_WRONLY), both = open("f", O_RDWR);
    SHOW(write(reader, &byte, 1));
    SHOW(read(writer, &byte, 1));
    SHOW(write(both, "y", 1));
    SHOW(read(reader, &byte, 1));
    CHECK(byte == 'y');
    SHOW(fcntl(reader, F_GETFL) & O_ACCMODE);
    SHOW(fcntl(writer, F_GETFL) & O_ACCMODE);
    SHOW(fcntl(both, F_GETFL) & O_ACCMODE);
    SHOW(ftruncate(reader, 0));
    close(reader);
    close(writer);
    close(both);
}

static void append(void)
{
    char text[16] = {0};
    int fd = open("f", O_RDWR | O_TRUNC | O_APPEND), other = open("f", O_RDWR);
    SHOW(write(fd, "abc", 3));
    SHOW(write(other, "12345", 5));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(write(fd, "de", 2));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pread(fd, text, sizeof text, 0));
    printf("%s\n", text);
    SHOW(pwrite(fd, "zz", 2, 0)); /* appends all the same: pwrite(2) BUGS */
    memset(text, 0, sizeof text);
    SHOW(pread(fd, text, sizeof text, 0));
    printf("%s\n", text);
    SHOW(fcntl(fd, F_GETFL) & O_APPEND);
    SHOW(fcntl(fd, F_SETFL, 0));
    SHOW(pwrite(fd, "Z", 1, 0));
    SHOW(size_of("f"));
    close(fd);
    close(other);
}

static void paths(void)
{
    struct stat s;
    mkdir("d", 0755);
    symlink("f", "s");
    symlink("d", "sd");
    symlink("new", "dangling");
    SHOW(open("d", O_WRONLY));
    SHOW(open("d", O_RDWR | O_CREAT, 0644));
    SHOW(open("f", O_RDONLY | O_DIRECTORY));
    SHOW(open("f/", O_RDONLY));
    SHOW(open("f/x", O_RDONLY));
    SHOW(open("f/x", O_RDWR | O_CREAT, 0644));
    SHOW(open("s", O_RDONLY | O_NOFOLLOW));
    SHOW(open("dangling", O_RDONLY));
    SHOW(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0644));
    SHOW(size_of("new"));
    int fd = open("dangling", O_RDWR | O_CREAT, 0644);
    CHECK(fd >= 0);
    close(fd);
    SHOW(size_of("new"));
    SHOW(open("", O_RDONLY));
    SHOW(open("new/", O_RDWR | O_CREAT, 0644));
    SHOW(open("absent/", O_RDWR | O_CREAT, 0644));
    SHOW(open("absent/x", O_RDWR | O_CREAT, 0644));
    fd = open("s", O_PATH | O_NOFOLLOW);
    CHECK(fd >= 0);
    SHOW(fstat(fd, &s));
    CHECK(S_ISLNK(s.st_mode));
    SHOW(read(fd, &s, 1));
    SHOW(write(fd, &s, 1));
    SHOW(lseek(fd, 0, SEEK_SET));
    close(fd);
    fd = open("sd", O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0);
    SHOW(read(fd, &s, 1));
    close(fd);
    unlink("s");
    unlink("sd");
    unlink("dangling");
    unlink("new");
    rmdir("d");
}

int main(void)
{
    char long_name[300];
    memset(long_name, 'n', sizeof long_name);
    long_name[256] = 0;
    umask(0);
    SHOW(open("f", O_RDONLY));
    int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0640);
    MUST(fd);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(write(fd, "hello", 5));
    close(fd);
    SHOW(open("f", O_RDWR | O_CREAT | O_EXCL, 0640));
    fd = open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0777);
    SHOW(fcntl(fd, F_GETFD));
    struct stat s;
    fstat(fd, &s);
    printf("mode %o, size %ld\n", s.st_mode & 07777, (long)s.st_size);
    close(fd);
    fd = open("f", O_RDONLY | O_TRUNC);
    CHECK(fd >= 0);
    SHOW(size_of("f"));
    close(fd);
    fd = creat("f", 0600);
    SHOW(fcntl(fd, F_GETFL) & O_ACCMODE);
    close(fd);
    SHOW(open(long_name, O_RDWR | O_CREAT, 0644));
    long_name[255] = 0;
    fd = open(long_name, O_RDWR | O_CREAT, 0644);
    CHECK(fd >= 0);
    close(fd);
    SHOW(unlink(long_name));
    access_modes();
    append();
    paths();
    SHOW(unlink("f"));
    SHOW(close(99));
    SHOW(fcntl(99, F_GETFL));
    return 0;
}
