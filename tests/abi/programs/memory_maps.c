/* mmap(2), munmap(2), mprotect(2), mremap(2), madvise(2), brk(2), msync(2), mincore(2). */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

static sigjmp_buf back;
static void handler(int signal) { siglongjmp(back, signal); }

#define FAULTS(action)                                                                         \
    do {                                                                                       \
        int got = sigsetjmp(back, 1);                                                          \
        if (got == 0) {                                                                        \
            action;                                                                            \
        }                                                                                      \
        printf("%s: %s\n", #action, got ? strsignal(got) : "fine");                            \
    } while (0)

#define PAGE 4096

int main(void)
{
    signal(SIGSEGV, handler);
    signal(SIGBUS, handler);
    volatile char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED && p[0] == 0 && p[4 * PAGE - 1] == 0);
    p[PAGE] = 1;
    p[2 * PAGE] = 2;
    SHOW(mprotect((void *)(p + PAGE), PAGE, PROT_READ));
    CHECK(p[PAGE] == 1);
    FAULTS(p[PAGE] = 3);
    FAULTS(p[0] = 3);
    FAULTS(p[2 * PAGE] = 3);
    SHOW(munmap((void *)(p + 2 * PAGE), PAGE));
    FAULTS(p[2 * PAGE] = 3);
    FAULTS(p[3 * PAGE] = 3);
    SHOW(munmap((void *)(p + 2 * PAGE), PAGE));
    SHOW(mprotect((void *)p, 4 * PAGE, PROT_READ));
    SHOW(munmap((void *)(p + 1), PAGE));
    SHOW(munmap((void *)p, 0));
    volatile char *fixed = mmap((void *)(p + PAGE), PAGE, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(fixed == p + PAGE && fixed[0] == 0);
    CHECK(mmap((void *)p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED);
    printf("%s\n", strerrorname_np(errno));
    munmap((void *)p, 4 * PAGE);
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED && errno == EBADF);
    CHECK(mmap(NULL, 1UL << 50, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);

    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char text[PAGE + 100];
    memset(text, 'a', sizeof text);
    MUST(write(fd, text, sizeof text));
    volatile char *private = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    volatile char *shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(private[PAGE + 99] == 'a' && private[PAGE + 100] == 0 && private[2 * PAGE - 1] == 0);
    private[0] = 'p';
    shared[1] = 's';
    char two[2];
    pread(fd, two, 2, 0);
    CHECK(two[0] == 'a' && two[1] == 's');
    pwrite(fd, "w", 1, 5);
    CHECK(shared[5] == 'w');
    SHOW(msync((void *)shared, 2 * PAGE, MS_SYNC));
    SHOW(msync((void *)(shared + 1), PAGE, MS_SYNC));
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 5) == MAP_FAILED && errno == EINVAL);
    volatile char *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
    shared[PAGE + 7] = 'z';
    CHECK(second[7] == 'z');
    volatile char *beyond = mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    FAULTS((void)beyond[2 * PAGE]);
    int reader = open("f", O_RDONLY);
    CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED && errno == EACCES);
    int writer = open("f", O_WRONLY);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0) == MAP_FAILED && errno == EACCES);
    close(reader);
    close(writer);
    close(fd);
    CHECK(shared[1] == 's');
    munmap((void *)private, 2 * PAGE);
    munmap((void *)shared, 2 * PAGE);
    munmap((void *)second, PAGE);
    munmap((void *)beyond, 3 * PAGE);
    unlink("f");

    char *r = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    r[0] = 'r';
    r[PAGE] = 'q';
    char *grown = mremap(r, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    CHECK(grown != MAP_FAILED && grown[0] == 'r' && grown[PAGE] == 'q' && grown[63 * PAGE] == 0);
    char *shrunk = mremap(grown, 64 * PAGE, PAGE, 0);
    CHECK(shrunk == grown && shrunk[0] == 'r');
    FAULTS(((volatile char *)grown)[PAGE] = 1);
    char *blocker = mmap(shrunk + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(mremap(shrunk, PAGE, 2 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
    char *moved = mremap(shrunk, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED && moved != shrunk && moved[0] == 'r');
    SHOW(madvise(moved, PAGE, MADV_DONTNEED));
    CHECK(moved[0] == 0);
    SHOW(madvise(moved, PAGE, 12345));
    SHOW(madvise(moved + 1, PAGE, MADV_DONTNEED));
    unsigned char resident[2];
    moved[0] = 1;
    SHOW(mincore(moved, 2 * PAGE, resident));
    CHECK((resident[0] & 1) && !(resident[1] & 1));
    munmap(blocker, PAGE);
    munmap(moved, 2 * PAGE);

    char *old = sbrk(0);
    CHECK(sbrk(3 * PAGE) == old);
    old[3 * PAGE - 1] = 9;
    CHECK(sbrk(-3 * PAGE) == old + 3 * PAGE);
    char *big = mmap(NULL, 1UL << 36, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(big != MAP_FAILED);
    SHOW(mprotect(big + (1UL << 35), PAGE, PROT_READ | PROT_WRITE));
    big[1UL << 35] = 1;
    FAULTS(*(volatile char *)big = 1);
    SHOW(munmap(big, 1UL << 36));
    char code[] = {0xb8, 7, 0, 0, 0, 0xc3};
    char *x = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(x, code, sizeof code);
    SHOW(mprotect(x, PAGE, PROT_READ | PROT_EXEC));
    CHECK(((int (*)(void))(uintptr_t)x)() == 7);
    munmap(x, PAGE);
    SHOW(mlock(&fd, 4));
    return 0;
}
