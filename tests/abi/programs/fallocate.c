/* fallocate(2): every mode and the combinations that are refused, sizes, and what is read then;
 * lseek(2) SEEK_DATA and SEEK_HOLE of what was punched. */
#include "check.h"

enum { PAGE = 4096, PAGES = 8 };
static int fd;
static char page[PAGE];

static void fill(void)
{
    MUST(ftruncate(fd, 0));
    for (int i = 0; i < PAGES; i++) {
        memset(page, 'a' + i, PAGE);
        MUST(pwrite(fd, page, PAGE, i * PAGE));
    }
}

/* Size, and the first and last byte of every page. */
static void look(const char *after)
{
    long size = lseek(fd, 0, SEEK_END);
    printf("%s: size %ld", after, size);
    for (long at = 0; at < size; at += PAGE) {
        char first = '?', last = '?';
        pread(fd, &first, 1, at);
        pread(fd, &last, 1, at + PAGE <= size ? at + PAGE - 1 : size - 1);
        printf(" %c%c", first ? first : '.', last ? last : '.');
    }
    printf("\n");
}

#define DO(mode, offset, length)                                                               \
    do {                                                                                       \
        SHOW(fallocate(fd, mode, offset, length));                                             \
        look(#mode);                                                                           \
    } while (0)

int main(void)
{
    fd = open("f", O_RDWR | O_CREAT, 0644);
    MUST(fd);
    DO(0, 100, 5000);
    DO(FALLOC_FL_KEEP_SIZE, 8000, 100000);
    struct stat s;
    MUST(fstat(fd, &s));
    CHECK(s.st_blocks * 512 >= 108000);
    fill();
    DO(0, 0, 100);
    DO(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, 2 * PAGE);
    SHOW(lseek(fd, 0, SEEK_HOLE));
    SHOW(lseek(fd, PAGE, SEEK_DATA));
    SHOW(lseek(fd, 3 * PAGE, SEEK_HOLE));
    DO(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4 * PAGE + 1, PAGE);
    DO(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 7 * PAGE, 20 * PAGE);
    DO(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100 * PAGE, PAGE);
    fill();
    DO(FALLOC_FL_ZERO_RANGE, 100, PAGE);
    DO(FALLOC_FL_ZERO_RANGE, 7 * PAGE + 10, PAGE);
    DO(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 7 * PAGE, 4 * PAGE);
    fill();
    DO(FALLOC_FL_COLLAPSE_RANGE, PAGE, 2 * PAGE);
    DO(FALLOC_FL_COLLAPSE_RANGE, 0, PAGE);
    DO(FALLOC_FL_COLLAPSE_RANGE, 3 * PAGE, 2 * PAGE);
    DO(FALLOC_FL_COLLAPSE_RANGE, 3 * PAGE, 3 * PAGE);
    DO(FALLOC_FL_COLLAPSE_RANGE, 1, PAGE);
    DO(FALLOC_FL_COLLAPSE_RANGE, PAGE, 1);
    fill();
    MUST(ftruncate(fd, 8 * PAGE - 10));
    DO(FALLOC_FL_INSERT_RANGE, PAGE, 2 * PAGE);
    DO(FALLOC_FL_INSERT_RANGE, 0, PAGE);
    DO(FALLOC_FL_INSERT_RANGE, 11 * PAGE, PAGE);
    DO(FALLOC_FL_INSERT_RANGE, 5, PAGE);
    DO(FALLOC_FL_INSERT_RANGE, PAGE, 5);
    DO(FALLOC_FL_COLLAPSE_RANGE, 0, 4 * PAGE);

    DO(FALLOC_FL_PUNCH_HOLE, 0, PAGE);
    DO(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, PAGE);
    DO(FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 0, PAGE);
    DO(FALLOC_FL_INSERT_RANGE | FALLOC_FL_KEEP_SIZE, 0, PAGE);
    DO(FALLOC_FL_INSERT_RANGE | FALLOC_FL_COLLAPSE_RANGE, 0, PAGE);
    DO(FALLOC_FL_UNSHARE_RANGE, 0, PAGE);
    DO(0x1000, 0, PAGE);
    DO(0, -1, 1);
    DO(0, 0, 0);
    DO(0, 0, -1);
    DO(0, 0x7fffffffffffffff, 1);
    close(fd);
    SHOW(fallocate(fd, 0, 0, 1));
    fd = open("f", O_RDONLY);
    SHOW(fallocate(fd, 0, 0, 1));
    SHOW(fallocate(fd, 0, 0, 0));
    SHOW(fallocate(fd, 0x1000, 0, 1));
    close(fd);
    fd = open("/dev/null", O_RDWR);
    SHOW(fallocate(fd, 0, 0, 1));
    close(fd);
    int p[2];
    MUST(pipe(p));
    SHOW(fallocate(p[1], 0, 0, 1));
    close(p[0]);
    close(p[1]);
    SHOW(unlink("f"));
    return 0;
}
