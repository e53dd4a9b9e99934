/* lseek(2): every whence, beyond both ends, SEEK_DATA and SEEK_HOLE, and what cannot be sought. */
#include "check.h"
#include <sys/socket.h>

int main(void)
{
    char byte = 'x';
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644), p[2], s[2];
    MUST(write(fd, "0123456789", 10));
    SHOW(lseek(fd, 3, SEEK_SET));
    SHOW(lseek(fd, 4, SEEK_CUR));
    SHOW(lseek(fd, -8, SEEK_CUR));
    SHOW(lseek(fd, -2, SEEK_END));
    SHOW(lseek(fd, 5, SEEK_END));
    SHOW(read(fd, &byte, 1));
    SHOW(lseek(fd, -11, SEEK_END));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, INT64_MIN, SEEK_CUR));
    SHOW(lseek(fd, 0, SEEK_CUR)); /* errors leave it where it was */
    SHOW(lseek(fd, INT64_MAX, SEEK_END));
    SHOW(lseek(fd, 0, 5));
    SHOW(lseek(fd, 0, -1));
    SHOW(lseek(99, 0, SEEK_SET));
    SHOW(lseek(99, 0, 77));
    SHOW(lseek(fd, 20000, SEEK_SET));
    MUST(write(fd, "x", 1));
    SHOW(lseek(fd, 0, SEEK_END));
    MUST(pread(fd, &byte, 1, 15000));
    SHOW(byte);
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(lseek(fd, 0, SEEK_HOLE) > 0);
    CHECK(lseek(fd, 20000, SEEK_DATA) == 20000);
    SHOW(lseek(fd, 20000, SEEK_HOLE));
    SHOW(lseek(fd, 20001, SEEK_DATA));
    SHOW(lseek(fd, 20001, SEEK_HOLE));
    SHOW(lseek(fd, -1, SEEK_DATA));
    int copy = dup(fd), other = open("f", O_RDONLY);
    SHOW(lseek(copy, 7, SEEK_SET));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(other, 0, SEEK_CUR));
    MUST(pipe(p));
    SHOW(lseek(p[0], 0, SEEK_CUR));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(lseek(s[0], 0, SEEK_SET));
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
    SHOW(lseek(null, 100, SEEK_SET));
    SHOW(lseek(zero, 100, SEEK_SET));
    int proc = open("/proc/self/status", O_RDONLY);
    SHOW(lseek(proc, 6, SEEK_SET));
    MUST(read(proc, &byte, 1));
    printf("%c\n", byte);
    SHOW(close_range(3, 40, 0));
    unlink("f");
    return 0;
}
