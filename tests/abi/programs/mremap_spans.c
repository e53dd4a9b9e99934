/* mremap(2): what shrinks or stays may be several mappings, what grows may not. And what mmap(2),
 * msync(2) and munmap(2) say of odd arguments. */
#include "check.h"
#include <sys/mman.h>

#define PAGE 4096

static char *reserve(int pages, int protection)
{
    return mmap(NULL, pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Two mappings, the second read-only. */
static char *two_kinds(void)
{
    char *start = reserve(8, PROT_READ | PROT_WRITE);
    memset(start, 7, 8 * PAGE);
    mprotect(start + PAGE, PAGE, PROT_READ);
    return start;
}

static void remap(void)
{
    unsigned char resident[8];
    char *start = two_kinds();
    CHECK(mremap(start, 3 * PAGE, PAGE, 0) == start);
    SHOW(mincore(start, PAGE, resident));
    SHOW(mincore(start + PAGE, PAGE, resident));
    SHOW(mincore(start + 2 * PAGE, PAGE, resident));
    SHOW(mincore(start + 3 * PAGE, PAGE, resident));
    start = two_kinds();
    CHECK(mremap(start, 3 * PAGE, 3 * PAGE, 0) == start);
    CHECK(mremap(start, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
    CHECK(errno == EFAULT);
    CHECK(start[2 * PAGE] == 7);
    mprotect(start + PAGE, PAGE, PROT_READ | PROT_WRITE);
    char *moved = mremap(start, 3 * PAGE, 9 * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED && moved[2 * PAGE] == 7 && moved[8 * PAGE] == 0);
}

static void synchronise(void)
{
    char *start = reserve(4, PROT_READ | PROT_WRITE);
    SHOW(mlock(start, PAGE));
    SHOW(msync(start, PAGE, MS_INVALIDATE));
    SHOW(msync(start, 4 * PAGE, MS_INVALIDATE | MS_SYNC));
    SHOW(msync(start + PAGE, PAGE, MS_INVALIDATE));
    SHOW(msync(start, 4 * PAGE, MS_SYNC));
    SHOW(munlock(start, PAGE));
    SHOW(msync(start, PAGE, MS_INVALIDATE));
    SHOW(msync(start, PAGE, 8));
}

int main(void)
{
    remap();
    synchronise();
    char *start = reserve(1, PROT_READ | 0x40);
    CHECK(start != MAP_FAILED);
    SHOW(mprotect(start, PAGE, 0x40));
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED);
    CHECK(errno == EBADF);
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, -1, 1) == MAP_FAILED);
    CHECK(errno == EINVAL);
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    CHECK(errno == EINVAL);
    SHOW(munmap(start, 0));
    SHOW(munmap((void *)(1ul << 47), PAGE));
    return 0;
}
