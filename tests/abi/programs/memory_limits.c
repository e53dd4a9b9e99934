/* setrlimit(2) and memory: RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK in mmap(2), brk(2), mremap(2),
 * mlock(2). */
#include "check.h"
#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE 4096L
#define MB (1L << 20)

static long mapped_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (fscanf(file, "%ld", &pages) != 1)
        exit(1);
    fclose(file);
    return pages * PAGE;
}

static void set(int resource, rlim_t soft)
{
    struct rlimit limit;
    getrlimit(resource, &limit);
    limit.rlim_cur = soft;
    MUST(setrlimit(resource, &limit));
}

static char *map(long size, int protection, int flags)
{
    return mmap(NULL, size, protection, flags | MAP_ANONYMOUS, -1, 0);
}

static void tell(const char *what, char *p, long size)
{
    printf("%s: %s\n", what, p == MAP_FAILED ? strerrorname_np(errno) : "mapped");
    if (p != MAP_FAILED)
        munmap(p, size);
}

static void all_of_it(void)
{
    const int rw = PROT_READ | PROT_WRITE;
    char *p = map(MB, rw, MAP_PRIVATE);
    set(RLIMIT_AS, mapped_bytes() + 2 * MB);
    tell("private", map(3 * MB, rw, MAP_PRIVATE), 3 * MB);
    tell("shared", map(3 * MB, rw, MAP_SHARED), 3 * MB);
    tell("without rights", map(3 * MB, PROT_NONE, MAP_PRIVATE), 3 * MB);
    tell("less", map(MB, rw, MAP_PRIVATE), MB);
    CHECK(mremap(p, MB, 5 * MB, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
    char *q = mremap(p, MB, 2 * MB, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED);
    char *over = mmap(q, 2 * MB, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(over == q);
    CHECK(sbrk(3 * MB) == (void *)-1 && errno == ENOMEM);
    CHECK(sbrk(4 * PAGE) != (void *)-1);
    set(RLIMIT_AS, RLIM_INFINITY);
    munmap(over, 2 * MB);
    tell("without a limit", map(9 * MB, rw, MAP_PRIVATE), 9 * MB);
}

static void private_and_writable(void)
{
    const int rw = PROT_READ | PROT_WRITE;
    char *readable = map(9 * MB, PROT_READ, MAP_PRIVATE);
    set(RLIMIT_DATA, 4 * MB);
    tell("private", map(5 * MB, rw, MAP_PRIVATE), 5 * MB);
    tell("shared", map(5 * MB, rw, MAP_SHARED), 5 * MB);
    tell("readable", map(5 * MB, PROT_READ, MAP_PRIVATE), 5 * MB);
    tell("less", map(MB, rw, MAP_PRIVATE), MB);
    SHOW(mprotect(readable, 9 * MB, rw));
    SHOW(mprotect(readable, MB, rw));
    CHECK(sbrk(9 * MB) == (void *)-1 && errno == ENOMEM);
    set(RLIMIT_DATA, RLIM_INFINITY);
    munmap(readable, 9 * MB);
}

/* Root may lock what it likes; others up to the limit. */
static void locked(void)
{
    char *p = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    set(RLIMIT_MEMLOCK, 2 * PAGE);
    MUST(seteuid(1000));
    SHOW(mlock(p, 3 * PAGE));
    SHOW(mlock(p, 2 * PAGE));
    SHOW(mlock(p, 2 * PAGE));
    SHOW(mlock(p + 2 * PAGE, PAGE));
    SHOW(munlock(p, PAGE));
    SHOW(mlock(p + 2 * PAGE, PAGE));
    SHOW(mlockall(MCL_CURRENT));
    tell("locked", map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_LOCKED), PAGE);
    munmap(p + PAGE, 2 * PAGE);
    SHOW(mlock(p, PAGE));
    set(RLIMIT_MEMLOCK, 0);
    SHOW(mlock(p, PAGE));
    SHOW(mlockall(MCL_FUTURE));
    tell("locked", map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_LOCKED), PAGE);
    SHOW(munlockall());
    MUST(seteuid(0));
    SHOW(mlock(p, PAGE));
    munmap(p, 4 * PAGE);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 1024);
    all_of_it();
    private_and_writable();
    if (geteuid() == 0)
        locked();
    return 0;
}
