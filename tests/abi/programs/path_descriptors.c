/* open(2) O_PATH: what such a descriptor may be used for, and what answers EBADF. */
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/uio.h>

int main(void)
{
    char bytes[8] = {0};
    struct iovec vector = {bytes, 8};
    struct stat st;
    struct statfs fs;
    MUST(mkdir("d", 0755));
    close(open("d/f", O_WRONLY | O_CREAT, 0640));
    MUST(symlink("d", "l"));
    int fd = open("d/f", O_PATH), directory = open("d", O_PATH), link = open("l", O_PATH | O_NOFOLLOW);
    SHOW(read(fd, bytes, 8));
    SHOW(write(fd, bytes, 8));
    SHOW(pread(fd, bytes, 8, 0));
    SHOW(readv(fd, &vector, 1));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(ftruncate(fd, 0));
    SHOW(fsync(fd));
    SHOW(fchmod(fd, 0600));
    SHOW(fchown(fd, 0, 0));
    SHOW(ioctl(fd, FIONREAD, bytes));
    SHOW(syscall(SYS_getdents64, directory, bytes, 8));
    SHOW((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL));
    SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
    SHOW(fcntl(fd, F_GETFL) & O_PATH ? 1 : 0);
    SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
    SHOW(fcntl(fd, F_GETFD));
    int copy = dup(fd);
    CHECK(copy >= 0);
    SHOW(read(copy, bytes, 8));
    SHOW(fstat(fd, &st));
    CHECK(S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0640);
    SHOW(fstat(link, &st));
    CHECK(S_ISLNK(st.st_mode));
    SHOW(fstatfs(fd, &fs));
    SHOW(fstatat(directory, "f", &st, 0));
    SHOW(openat(directory, "f", O_RDONLY) >= 0);
    SHOW(openat(fd, "f", O_RDONLY));
    SHOW(faccessat(directory, "f", F_OK, 0));
    SHOW(linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH));
    SHOW(unlinkat(directory, "f", 0));
    SHOW(mkdirat(directory, "e", 0755));
    SHOW(readlinkat(link, "", bytes, 8));
    printf("%s\n", bytes);
    SHOW(openat(link, "f", O_RDONLY));
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    SHOW(open(path, O_RDWR) >= 0); /* opened in earnest */
    SHOW(chmod(path, 0600));
    SHOW(fchdir(directory));
    SHOW(access("e", F_OK));
    SHOW(fchdir(fd));
    SHOW(rmdir("e"));
    SHOW(chdir(".."));
    SHOW(close_range(3, 100, 0));
    unlink("linked");
    unlink("l");
    rmdir("d");
    return 0;
}
