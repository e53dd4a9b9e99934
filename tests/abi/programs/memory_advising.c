/* madvise(2), mincore(2), mlock(2), mlockall(2): what advice does to memory, residency, errors. */
#include "check.h"
#include <sys/mman.h>
#include <sys/resource.h>

enum { PAGE = 4096 };

int main(void)
{
    unsigned char state[8];
    char *area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(mincore(area, 4 * PAGE, state));
    printf("%d%d%d%d\n", state[0] & 1, state[1] & 1, state[2] & 1, state[3] & 1);
    area[PAGE] = area[3 * PAGE] = 7;
    SHOW(mincore(area, 4 * PAGE, state));
    printf("%d%d%d%d\n", state[0] & 1, state[1] & 1, state[2] & 1, state[3] & 1);
    SHOW(madvise(area + PAGE, PAGE, MADV_DONTNEED));
    SHOW(area[PAGE] + area[3 * PAGE]);
    const int accepted[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED};
    for (int i = 0; i < 4; i++)
        SHOW(madvise(area, 4 * PAGE, accepted[i]));
    SHOW(area[3 * PAGE]);
    SHOW(madvise(area, 4 * PAGE, MADV_FREE));
    area[0] = 1; /* written anew: kept */
    SHOW(area[0]);
    SHOW(madvise(area, 4 * PAGE, MADV_POPULATE_WRITE));
    SHOW(mincore(area, 4 * PAGE, state));
    printf("%d%d%d%d\n", state[0] & 1, state[1] & 1, state[2] & 1, state[3] & 1);
    SHOW(madvise(area + 1, PAGE, MADV_NORMAL));
    SHOW(madvise(area, PAGE, 12345));
    SHOW(madvise(area, 0, MADV_DONTNEED));
    SHOW(madvise(area, (size_t)-PAGE, MADV_DONTNEED));
    SHOW(mincore(area + 1, PAGE, state));
    SHOW(mincore(area, PAGE, (void *)1));
    SHOW(mlock(area, 4 * PAGE));
    SHOW(mlock(area + 5, 10));
    SHOW(mlock2(area, PAGE, MLOCK_ONFAULT));
    SHOW(mlock2(area, PAGE, 77));
    SHOW(munlock(area, 4 * PAGE));
    SHOW(madvise(area, PAGE, MADV_DONTDUMP));
    SHOW(madvise(area, PAGE, MADV_DODUMP));
    SHOW(munmap(area + 2 * PAGE, PAGE));
    SHOW(madvise(area, 4 * PAGE, MADV_DONTNEED)); /* acts on both sides of the hole */
    SHOW(area[3 * PAGE]);
    SHOW(mlock(area, 4 * PAGE));
    SHOW(munlock(area, 4 * PAGE));
    SHOW(mincore(area, 4 * PAGE, state));
    SHOW(mlockall(MCL_CURRENT));
    SHOW(mlockall(MCL_CURRENT | MCL_FUTURE));
    SHOW(munlockall());
    SHOW(mlockall(0));
    SHOW(mlockall(77));
    SHOW(mlockall(MCL_ONFAULT));
    munmap(area, 4 * PAGE);
    int fd = open("f", O_RDWR | O_CREAT, 0600);
    MUST(write(fd, "file", 4));
    area = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    area[0] = 'm';
    SHOW(madvise(area, PAGE, MADV_DONTNEED)); /* what was written is lost, the file comes back */
    printf("%c\n", area[0]);
    munmap(area, PAGE);
    area = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    area[0] = 's';
    SHOW(madvise(area, PAGE, MADV_DONTNEED)); /* a shared one keeps it */
    printf("%c\n", area[0]);
    munmap(area, PAGE);
    close(fd);
    unlink("f");
    return 0;
}
