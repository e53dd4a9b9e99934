/* mremap(2): moving 4 TiB of which nothing is there takes no time; changing a part of what then is
 * one mapping with its neighbour, neither. */
#include "check.h"
#include <sys/mman.h>

static char *reserve(unsigned long size)
{
    return mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

int main(void)
{
    unsigned long size = 1ul << 42;
    char *from = reserve(size), *to = reserve(size);
    CHECK(from != MAP_FAILED && to != MAP_FAILED);
    long began_ms = now_ms();
    CHECK(mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    SHOW(mprotect(to + size / 2, 8192, PROT_READ | PROT_WRITE));
    to[size / 2 + 4096] = 1;
    SHOW(mprotect(to + size / 2, 8192, PROT_NONE));
    SHOW(munmap(to, size));
    CHECK(now_ms() - began_ms < 1000);
    return 0;
}
