/* read(2), write(2), pread(2), pwrite(2), readv(2), preadv(2): short counts, offsets, ends of files
 * and pages. */
#include "check.h"
#include <limits.h>
#include <sys/uio.h>

static char big[3 * 4096 + 7], back[4 * 4096];

static void vectors(int fd)
{
    char a[3] = {0}, b[6] = {0}, c[4] = {0};
    struct iovec out[] = {{"one", 3}, {NULL, 0}, {"two", 3}, {"three", 5}};
    struct iovec in[] = {{a, 2}, {b, 5}, {c, 0}, {c, 3}};
    SHOW(ftruncate(fd, 0));
    SHOW(pwritev(fd, out, 4, 1));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(readv(fd, in, 4));
    CHECK(a[0] == 0 && a[1] == 'o' && !strcmp(b, "netwo") && !strcmp(c, "thr"));
    SHOW(lseek(fd, 0, SEEK_CUR));
    memset(b, 0, sizeof b);
    SHOW(preadv(fd, in, 4, 9));
    CHECK(!strncmp(a, "re", 2) && !strcmp(b, "e"));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(preadv(fd, in, 4, -1));
    SHOW(readv(fd, in, 0));
    SHOW(readv(fd, in, -1));
    SHOW(readv(fd, in, IOV_MAX + 1));
    in[1].iov_len = SSIZE_MAX;
    in[0].iov_len = SSIZE_MAX;
    SHOW(readv(fd, in, 2));
    SHOW(writev(fd, out, 4));
    SHOW(lseek(fd, 0, SEEK_END));
}

int main(void)
{
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
    MUST(fd);
    for (unsigned i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 + i / 4096);
    SHOW(read(fd, back, 10));
    SHOW(write(fd, big, sizeof big));
    SHOW(read(fd, back, 10));
    SHOW(pread(fd, back, sizeof back, 0));
    CHECK(memcmp(big, back, sizeof big) == 0);
    for (long at = 4094; at <= 4098; at++) {
        memset(back, 0x55, sizeof back);
        long got = pread(fd, back, 4097, at);
        printf("pread at %ld: %ld %d %d\n", at, got, memcmp(big + at, back, 4097) == 0, back[4097] == 0x55);
        got = pwrite(fd, big + at, 3, at);
        printf("pwrite at %ld: %ld\n", at, got);
    }
    pread(fd, back, sizeof back, 0);
    CHECK(memcmp(big, back, sizeof big) == 0);
    SHOW(pread(fd, back, 100, sizeof big - 1));
    SHOW(pread(fd, back, 100, sizeof big));
    SHOW(pread(fd, back, 100, sizeof big + 5000));
    SHOW(pread(fd, back, 100, -1));
    SHOW(pwrite(fd, back, 100, -1));
    SHOW(pread(fd, back, 0, 0));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pwrite(fd, "end", 3, 5 * 4096 - 1));
    SHOW(lseek(fd, 0, SEEK_END));
    memset(back, 1, sizeof back);
    SHOW(pread(fd, back, 4096, 4 * 4096));
    CHECK(back[0] == 0 && back[4094] == 0 && back[4095] == 'e');
    SHOW(write(fd, big, 0));
    vectors(fd);
    SHOW(read(-1, back, 1));
    SHOW(write(77, back, 1));
    close(fd);
    SHOW(read(fd, back, 1));
    SHOW(unlink("f"));
    return 0;
}
