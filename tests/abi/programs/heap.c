/* brk(2), sbrk(3), malloc(3): the end of the heap, its memory, and what malloc makes of it. */
#include "check.h"
#include <malloc.h>
#include <sys/mman.h>

int main(void)
{
    char *start = sbrk(0);
    CHECK(start != (void *)-1);
    CHECK(sbrk(10000) == start);
    CHECK((char *)sbrk(0) == start + 10000);
    int dirty = 0;
    for (int i = 0; i < 10000; i++)
        dirty += start[i] != 0;
    SHOW(dirty);
    memset(start, 1, 10000);
    CHECK(sbrk(-10000) == start + 10000);
    CHECK((char *)sbrk(0) == start);
    sbrk(20000);
    dirty = 0;
    for (int i = 8192; i < 20000; i++) /* whole pages were given back and come anew */
        dirty += start[i] != 0;
    SHOW(dirty);
    SHOW(brk(start));
    CHECK((char *)syscall(SYS_brk, 0) == start);
    CHECK((char *)syscall(SYS_brk, 1) == start); /* refused by answering the old end */
    CHECK((char *)syscall(SYS_brk, (long)1 << 62) == start);
    SHOW(brk((void *)1));
    CHECK(sbrk((intptr_t)1 << 46) == (void *)-1 && errno == ENOMEM);

    void *blocks[200];
    int aligned = 1;
    for (int i = 0; i < 200; i++) {
        blocks[i] = malloc(i * 137 + 1);
        aligned &= (uintptr_t)blocks[i] % 16 == 0;
        memset(blocks[i], i, i * 137 + 1);
    }
    int intact = 1;
    for (int i = 0; i < 200; i++)
        intact &= ((unsigned char *)blocks[i])[i * 137] == (unsigned char)i;
    for (int i = 0; i < 200; i += 2)
        free(blocks[i]);
    for (int i = 1; i < 200; i += 2)
        blocks[i] = realloc(blocks[i], i * 300 + 1);
    for (int i = 1; i < 200; i += 2)
        intact &= ((unsigned char *)blocks[i])[i * 137] == (unsigned char)i;
    printf("aligned %d, intact %d\n", aligned, intact);
    for (int i = 1; i < 200; i += 2)
        free(blocks[i]);
    char *large = malloc(10 << 20);
    large[10 << 19] = 1;
    large = realloc(large, 20 << 20);
    SHOW(large[10 << 19]);
    free(large);
    void *page = NULL;
    SHOW(posix_memalign(&page, 65536, 100000));
    CHECK((uintptr_t)page % 65536 == 0);
    free(page);
    volatile size_t huge = (size_t)-4096, wide = (size_t)1 << 40;
    CHECK(malloc(huge) == NULL && errno == ENOMEM);
    CHECK(calloc(wide, wide) == NULL && errno == ENOMEM);
    char *zeroed = calloc(1000, 1000);
    dirty = 0;
    for (int i = 0; i < 1000000; i += 997)
        dirty += zeroed[i] != 0;
    SHOW(dirty);
    free(zeroed);
    SHOW(malloc_trim(0) >= 0);
    return 0;
}
