/* lseek(2) with SEEK_HOLE and SEEK_DATA, truncate(2), fallocate(2): ends, holes, and that what was cut
 * off comes back as zeros. */
#include "check.h"

static char page[4096], zeros[4096];

int main(void)
{
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644), pipes[2];
    MUST(fd);
    memset(page, 'p', sizeof page);
    SHOW(lseek(fd, 100, SEEK_SET));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, -101, SEEK_CUR));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 5, SEEK_END));
    SHOW(lseek(fd, 0, 99));
    SHOW(lseek(fd, 10, SEEK_SET));
    SHOW(lseek(fd, 0x7fffffffffffffff, SEEK_CUR));
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(lseek(fd, 0, SEEK_HOLE));

    SHOW(pwrite(fd, page, 4096, 4 * 65536));
    SHOW(ftruncate(fd, 8 * 65536));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(lseek(fd, 0, SEEK_HOLE));
    CHECK(lseek(fd, 0, SEEK_DATA) > 0 && lseek(fd, 0, SEEK_DATA) <= 4 * 65536);
    SHOW(lseek(fd, 4 * 65536 + 1, SEEK_DATA));
    CHECK(lseek(fd, 4 * 65536, SEEK_HOLE) >= 4 * 65536 + 4096);
    SHOW(lseek(fd, 8 * 65536 - 1, SEEK_HOLE));
    SHOW(lseek(fd, 8 * 65536, SEEK_DATA));
    SHOW(lseek(fd, 7 * 65536, SEEK_DATA));
    SHOW(pread(fd, page, 4096, 65536));
    CHECK(memcmp(page, zeros, 4096) == 0);

    memset(page, 'q', sizeof page);
    SHOW(ftruncate(fd, 0));
    SHOW(pwrite(fd, page, 4096, 0));
    SHOW(ftruncate(fd, 100));
    SHOW(ftruncate(fd, 4096));
    SHOW(pread(fd, page, 4096, 0));
    CHECK(page[99] == 'q' && memcmp(page + 100, zeros, 3996) == 0);
    SHOW(ftruncate(fd, -1));
    SHOW(truncate("f", 10));
    SHOW(truncate("absent", 10));
    SHOW(truncate(".", 10));
    SHOW(truncate("f", -1));
    SHOW(lseek(fd, 0, SEEK_END));

    SHOW(fallocate(fd, 0, 0, 100));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8192));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(fallocate(fd, 0, 0, 0));
    SHOW(fallocate(fd, 0, -1, 10));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2, 3));
    SHOW(pread(fd, page, 10, 0));
    CHECK(!memcmp(page, "qq\0\0\0qqqqq", 10));
    SHOW(posix_fallocate(fd, 100, 100));
    SHOW(lseek(fd, 0, SEEK_END));

    MUST(pipe(pipes));
    SHOW(lseek(pipes[0], 0, SEEK_SET));
    SHOW(ftruncate(pipes[1], 0));
    SHOW(pread(pipes[0], page, 1, 0));
    SHOW(pwrite(pipes[1], page, 1, 0));
    close(pipes[0]);
    close(pipes[1]);
    close(fd);
    SHOW(unlink("f"));
    return 0;
}
