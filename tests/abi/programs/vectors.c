/* readv(2), writev(2), preadv(2), preadv2(2): odd lengths, empty parts, limits and errors. */
#include "check.h"
#include <limits.h>
#include <sys/uio.h>

int main(void)
{
    char a[7], b[1], c[100], text[] = "the quick brown fox jumps over the lazy dog";
    struct iovec parts[] = {{a, 3}, {NULL, 0}, {b, 1}, {c, 7}}, many[1025];
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644), p[2];
    struct iovec out[] = {{text, 9}, {text + 9, 0}, {text + 9, 34}};
    SHOW(writev(fd, out, 3));
    SHOW(lseek(fd, 4, SEEK_SET));
    SHOW(readv(fd, parts, 4));
    printf("%.3s|%.1s|%.7s\n", a, b, c);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(preadv(fd, parts, 4, 40));
    printf("%.3s\n", a);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(preadv(fd, parts, 4, 43));
    SHOW(preadv(fd, parts, 4, 1000));
    SHOW(preadv(fd, parts, 4, -1));
    SHOW(pwritev(fd, out, 1, -1));
    SHOW(pwritev(fd, out, 1, 50));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(readv(fd, parts, 0));
    SHOW(writev(fd, parts, 0));
    SHOW(readv(fd, NULL, 0));
    SHOW(readv(fd, parts, -1));
    for (int i = 0; i < 1025; i++)
        many[i] = (struct iovec){c, 0};
    SHOW(readv(fd, many, IOV_MAX));
    SHOW(readv(fd, many, IOV_MAX + 1));
    many[0].iov_len = (size_t)1 << 63;
    SHOW(readv(fd, many, 1));
    many[0].iov_len = SSIZE_MAX;
    many[1].iov_len = 1;
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(readv(99, many, 2));
    struct iovec bad[] = {{a, 3}, {(void *)8, 3}};
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(readv(fd, bad, 2)); /* what went before counts */
    SHOW(readv(fd, bad + 1, 1));
    SHOW(writev(fd, bad + 1, 1));
    SHOW(readv(fd, (void *)8, 1));
    SHOW(readv(99, (void *)8, 1));
    SHOW(readv(99, parts, 4));
    SHOW(preadv2(fd, parts, 1, 0, 0));
    SHOW(preadv2(fd, parts, 1, -1, 0)); /* the file's own offset */
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(preadv2(fd, parts, 1, -2, 0));
    SHOW(preadv2(fd, parts, 1, 0, RWF_HIPRI));
    SHOW(pwritev2(fd, out, 1, 0, RWF_DSYNC));
    SHOW(pwritev2(fd, out, 1, 0, RWF_SYNC));
    SHOW(preadv2(fd, parts, 1, 0, 1 << 30));
    MUST(pipe(p));
    SHOW(writev(p[1], out, 3));
    SHOW(readv(p[0], parts, 4));
    SHOW(preadv(p[0], parts, 4, 0));
    SHOW(pwritev(p[1], out, 1, 0));
    SHOW(preadv2(p[0], parts, 1, -1, 0));
    SHOW(preadv2(p[0], (struct iovec[]){{c, 100}}, 1, -1, 0));
    SHOW(preadv2(p[0], parts, 1, -1, RWF_NOWAIT));
    SHOW(readv(p[1], parts, 1));
    SHOW(writev(p[0], out, 1));
    close(p[0]);
    close(p[1]);
    close(fd);
    fd = open("f", O_WRONLY);
    SHOW(readv(fd, parts, 1));
    SHOW(readv(fd, (void *)8, 1));
    close(fd);
    unlink("f");
    return 0;
}
