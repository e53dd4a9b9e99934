/* read(2), write(2), pread(2), readv(2), preadv(2), lseek(2): offsets, short counts, holes, vectors. */
#include "check.h"
#include <limits.h>
#include <sys/uio.h>

int main(void)
{
    char a[4] = {0}, b[8] = {0}, page[8192];
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
    SHOW(write(fd, "0123456789", 10));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(read(fd, a, 4));
    SHOW(lseek(fd, -3, SEEK_END));
    SHOW(read(fd, b, 8));
    printf("%.8s\n", b);
    SHOW(lseek(fd, -11, SEEK_END));
    SHOW(lseek(fd, 0, 99));
    SHOW(pread(fd, a, 3, 4));
    printf("%.3s\n", a);
    SHOW(pread(fd, a, 3, 10));
    SHOW(pread(fd, a, 3, -1));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pwrite(fd, "AB", 2, 8));
    SHOW(lseek(fd, 2, SEEK_SET));
    struct iovec in[3] = {{a, 2}, {NULL, 0}, {b, 8}};
    memset(b, 0, 8);
    SHOW(readv(fd, in, 3));
    printf("%.2s %.8s\n", a, b);
    struct iovec out[2] = {{"xx", 2}, {"yyy", 3}};
    SHOW(pwritev(fd, out, 2, 20));
    SHOW(preadv(fd, in, 3, 18));
    CHECK(a[0] == 0 && b[0] == 'x');
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(readv(fd, in, -1));
    SHOW(readv(fd, in, IOV_MAX + 1));
    SHOW(readv(fd, in, 0));
    struct iovec huge[2] = {{a, SSIZE_MAX}, {b, SSIZE_MAX}};
    SHOW(readv(fd, huge, 2));

    /* across a page boundary, byte by byte known */
    for (int i = 0; i < 8192; i++)
        page[i] = i * 7;
    SHOW(pwrite(fd, page, 8192, 4090));
    char back[8192];
    SHOW(pread(fd, back, 8192, 4090));
    CHECK(memcmp(page, back, 8192) == 0);
    SHOW(pread(fd, back, 100, 4080));
    CHECK(back[0] == 0 && back[9] == 0 && back[10] == page[0] && back[99] == page[89]);

    int sparse = open("s", O_RDWR | O_CREAT | O_TRUNC, 0600);
    SHOW(pwrite(sparse, "end", 3, 1 << 20));
    SHOW(lseek(sparse, 0, SEEK_DATA) == 1 << 20);
    SHOW(lseek(sparse, 0, SEEK_HOLE));
    SHOW(lseek(sparse, 1 << 20, SEEK_HOLE) == (1 << 20) + 3);
    SHOW(lseek(sparse, (1 << 20) + 3, SEEK_DATA));
    struct stat st;
    fstat(sparse, &st);
    CHECK(st.st_blocks * 512 < 1 << 20);
    SHOW(ftruncate(sparse, 10));
    SHOW(pread(sparse, back, 100, 0));
    CHECK(back[0] == 0 && back[9] == 0);
    SHOW(ftruncate(sparse, 5000));
    SHOW(pread(sparse, back, 8192, 0));
    SHOW(pwrite(sparse, "tail", 4, 4094));
    SHOW(ftruncate(sparse, 4096));
    SHOW(ftruncate(sparse, 8192));
    SHOW(pread(sparse, back, 8192, 4090));
    CHECK(back[4] == 't' && back[5] == 'a' && back[6] == 0 && back[7] == 0);
    SHOW(ftruncate(sparse, -1));
    SHOW(truncate("missing", 0));
    int reader = open("s", O_RDONLY);
    SHOW(ftruncate(reader, 0));
    SHOW(write(reader, "x", 1));
    SHOW(read(reader, back, 0));
    SHOW(read(99, back, 1));
    SHOW(fsync(sparse));
    SHOW(fdatasync(sparse));
    SHOW(fsync(99));
    close(reader);
    close(sparse);
    close(fd);
    unlink("f");
    unlink("s");
    return 0;
}
