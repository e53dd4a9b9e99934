/* mremap(2): shrinking, growing in place and by moving, fixed targets, and the errors. */
#include "check.h"
#include <sys/mman.h>

enum { PAGE = 4096 };

static char *anonymous(int pages)
{
    char *area = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < pages; i++)
        area[i * PAGE] = 'a' + i;
    return area;
}

static int is_mapped(const void *at)
{
    unsigned char state;
    return mincore((void *)at, PAGE, &state) == 0;
}

int main(void)
{
    char *area = anonymous(8), *moved;
    CHECK(mremap(area, 8 * PAGE, 4 * PAGE, 0) == area);
    printf("after shrinking: %d %d\n", is_mapped(area + 3 * PAGE), is_mapped(area + 4 * PAGE));
    CHECK(mremap(area, 4 * PAGE, 8 * PAGE, 0) == area); /* room was just made */
    printf("%c %d\n", area[3 * PAGE], area[4 * PAGE]);
    char *wall = mmap(area + 8 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(mremap(area, 8 * PAGE, 16 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
    moved = mremap(area, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED && moved != area && !is_mapped(area));
    printf("%c %c %d\n", moved[0], moved[3 * PAGE], moved[15 * PAGE]);
    munmap(wall, PAGE);
    char *target = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mremap(moved, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    printf("%c %c, left behind %d %d\n", target[0], target[PAGE], is_mapped(moved), is_mapped(moved + 2 * PAGE));
    target[0] = 'T'; /* its protection came with it */
    CHECK(mremap(target, 4 * PAGE, 4 * PAGE, MREMAP_FIXED, area) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(target, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + 1) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(target, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(target + 1, PAGE, 2 * PAGE, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(target, PAGE, 0, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mremap(target, PAGE, PAGE, 0x80) == MAP_FAILED && errno == EINVAL);
    munmap(target, 4 * PAGE);
    CHECK(mremap(target, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
    munmap(moved, 16 * PAGE);

    int fd = open("f", O_RDWR | O_CREAT, 0600);
    MUST(ftruncate(fd, 4 * PAGE));
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    shared[0] = 's';
    shared = mremap(shared, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    CHECK(shared != MAP_FAILED && shared[0] == 's');
    shared[3 * PAGE] = 'e';
    char byte = 0;
    MUST(pread(fd, &byte, 1, 3 * PAGE));
    printf("%c\n", byte);
    char *again = mremap(shared, 0, PAGE, MREMAP_MAYMOVE); /* a second mapping of the same */
    CHECK(again != MAP_FAILED && again != shared && again[0] == 's');
    munmap(again, PAGE);
    munmap(shared, 4 * PAGE);
    area = anonymous(1);
    CHECK(mremap(area, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
    munmap(area, PAGE);
    close(fd);
    unlink("f");
    return 0;
}
