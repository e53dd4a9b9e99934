/* madvise(2), mremap(2) MREMAP_DONTUNMAP, msync(2), mlock(2), mmap(2) MAP_LOCKED and MAP_HUGETLB. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#define PAGE 4096
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static sigjmp_buf back;
static void handler(int signal) { siglongjmp(back, signal); }

static const char *touch(volatile char *address)
{
    int got = sigsetjmp(back, 1);
    if (got == 0)
        *address += 1;
    return got ? strsignal(got) : "fine";
}

static char *map(int pages, int protection)
{
    char *p = mmap(NULL, pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(p == MAP_FAILED ? -1 : 0);
    return p;
}

static int resident(char *p, int pages)
{
    unsigned char there[16];
    int count = 0;
    MUST(mincore(p, pages * PAGE, there));
    for (int i = 0; i < pages; i++)
        count += there[i] & 1;
    return count;
}

/* Three pages, a hole and one more. */
static void what_is_valid(int file)
{
    char *p = map(5, PROT_READ | PROT_WRITE);
    munmap(p + 3 * PAGE, PAGE);
    char *f = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    static const int all[] = {0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17, 18, 19, 5, 7, 26, 99, -1};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        printf("advice %d: ", all[i]);
        printf("%s ", madvise(p, 2 * PAGE, all[i]) ? strerrorname_np(errno) : "fine");
        printf("%s ", madvise(p + 2 * PAGE, 3 * PAGE, all[i]) ? strerrorname_np(errno) : "fine");
        printf("%s ", madvise(p + 3 * PAGE, PAGE, all[i]) ? strerrorname_np(errno) : "fine");
        printf("%s ", madvise(f, PAGE, all[i]) ? strerrorname_np(errno) : "fine");
        printf("%s ", madvise(p, 0, all[i]) ? strerrorname_np(errno) : "fine");
        printf("%s\n", madvise(p + 1, PAGE, all[i]) ? strerrorname_np(errno) : "fine");
    }
    munmap(p, 5 * PAGE);
    munmap(f, PAGE);
}

static void populating(int file)
{
    char *p = map(4, PROT_READ | PROT_WRITE);
    SHOW(resident(p, 4));
    SHOW(madvise(p, 2 * PAGE, MADV_POPULATE_WRITE));
    SHOW(resident(p, 4));
    SHOW(madvise(p, 4 * PAGE, MADV_POPULATE_READ));
    SHOW(resident(p, 4));
    SHOW(madvise(p, 4 * PAGE, MADV_DONTNEED));
    SHOW(resident(p, 4));
    mprotect(p, PAGE, PROT_READ);
    mprotect(p + PAGE, PAGE, PROT_NONE);
    SHOW(madvise(p, PAGE, MADV_POPULATE_WRITE));
    SHOW(madvise(p, PAGE, MADV_POPULATE_READ));
    SHOW(madvise(p + PAGE, PAGE, MADV_POPULATE_READ));
    munmap(p + 2 * PAGE, PAGE);
    SHOW(madvise(p + 2 * PAGE, 2 * PAGE, MADV_POPULATE_READ));
    char *f = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    SHOW(madvise(f, 2 * PAGE, MADV_POPULATE_WRITE));
    SHOW(madvise(f, 4 * PAGE, MADV_POPULATE_READ));
    munmap(f, 4 * PAGE);
    munmap(p, 4 * PAGE);
    p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    SHOW(resident(p, 3));
    munmap(p, 3 * PAGE);
}

static void holes(int file)
{
    char *shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(shared, 'x', 3 * PAGE);
    SHOW(madvise(shared + PAGE, PAGE, MADV_REMOVE));
    printf("%c %d %c\n", shared[0], shared[PAGE], shared[2 * PAGE]);
    char *f = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    f[0] = f[PAGE] = 'f';
    SHOW(madvise(f, PAGE, MADV_REMOVE));
    char byte = 1;
    SHOW(pread(file, &byte, 1, 0));
    printf("%d %d %c\n", byte, f[0], f[PAGE]);
    f[0] = 'g';
    SHOW(pread(file, &byte, 1, 0));
    printf("%c\n", byte);
    char *own = map(1, PROT_READ | PROT_WRITE);
    SHOW(madvise(own, PAGE, MADV_REMOVE));
    munmap(own, PAGE);
    SHOW(madvise(own, PAGE, MADV_REMOVE));
    munmap(f, 2 * PAGE);
    munmap(shared, 3 * PAGE);
}

/* glibc's mremap(2) leaves the last argument as it happens to be without MREMAP_FIXED. */
static char *move(char *from, long old_size, long new_size, int flags, char *to)
{
    return (char *)syscall(SYS_mremap, from, old_size, new_size, flags, to);
}

static void leaving_the_mapping(void)
{
    const int leave = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
    char *p = map(3, PROT_READ | PROT_WRITE);
    memset(p, 'x', 3 * PAGE);
    char *q = move(p, 2 * PAGE, 2 * PAGE, leave, NULL);
    CHECK(q != MAP_FAILED && q != p);
    printf("%c %d %c\n", q[PAGE], p[PAGE], p[2 * PAGE]);
    p[0] = 'p';
    CHECK(q[0] == 'x');
    char *target = map(1, PROT_NONE);
    CHECK(move(p, PAGE, PAGE, leave | MREMAP_FIXED, target) == target);
    printf("%c %d\n", target[0], p[0]);
    CHECK(move(p, PAGE, 2 * PAGE, leave, NULL) == MAP_FAILED && errno == EINVAL);
    CHECK(move(p, PAGE, PAGE, MREMAP_DONTUNMAP, NULL) == MAP_FAILED && errno == EINVAL);
    CHECK(move(p, PAGE, PAGE, leave, (char *)5) == MAP_FAILED && errno == EINVAL);
    munmap(target, PAGE);
    CHECK(move(p, PAGE, PAGE, leave, target) == target);
    munmap(p, 3 * PAGE);
    munmap(q, 2 * PAGE);
    munmap(target, PAGE);
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared[0] = 's';
    q = move(shared, PAGE, PAGE, leave, NULL);
    CHECK(q != MAP_FAILED && q[0] == 's' && shared[0] == 's');
    munmap(shared, PAGE);
    munmap(q, PAGE);
}

static void locking(int file)
{
    char *p = map(4, PROT_READ | PROT_WRITE);
    SHOW(mlock(p + 5, PAGE));
    CHECK(resident(p, 4) >= 2);
    SHOW(madvise(p, PAGE, MADV_DONTNEED));
    SHOW(munlock(p, 4 * PAGE));
    SHOW(madvise(p, PAGE, MADV_DONTNEED));
    SHOW(mlock2(p, PAGE, MLOCK_ONFAULT));
    SHOW(resident(p, 1));
    SHOW(mlock2(p, PAGE, 2));
    munmap(p + PAGE, PAGE);
    SHOW(mlock(p, 4 * PAGE));
    SHOW(munlock(p, 4 * PAGE));
    SHOW(mprotect(p, PAGE, PROT_NONE));
    SHOW(mlock(p, PAGE));
    SHOW(mlock(p, 0));
    SHOW(mlock(p, -1UL));
    munmap(p, 4 * PAGE);
    SHOW(mlockall(0));
    SHOW(mlockall(8));
    SHOW(mlockall(MCL_ONFAULT));
    SHOW(munlockall());
    p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
    SHOW(resident(p, 2));
    SHOW(madvise(p, PAGE, MADV_DONTNEED));
    SHOW(madvise(p, PAGE, 24 /* MADV_DONTNEED_LOCKED */));
    munmap(p, 2 * PAGE);
    char *f = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
    SHOW(msync(f, PAGE, MS_ASYNC));
    SHOW(msync(f, PAGE, MS_SYNC | MS_INVALIDATE));
    SHOW(msync(f, PAGE, MS_SYNC | MS_ASYNC));
    SHOW(msync(f, PAGE, 8));
    SHOW(msync(f, 0, MS_SYNC));
    munmap(f, PAGE);
    SHOW(msync(f, PAGE, MS_SYNC));
    CHECK(mmap(NULL, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) == MAP_FAILED && errno == ENOMEM);
}

int main(void)
{
    signal(SIGSEGV, handler);
    signal(SIGBUS, handler);
    int file = memfd_create("file", 0);
    MUST(ftruncate(file, 2 * PAGE));
    what_is_valid(file);
    populating(file);
    holes(file);
    leaving_the_mapping();
    locking(file);
    printf("%s\n", touch((char *)8));
    close(file);
    return 0;
}
