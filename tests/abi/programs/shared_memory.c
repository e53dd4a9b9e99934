/* mmap(2) MAP_SHARED | MAP_ANONYMOUS is a file: madvise(2), mprotect(2), mremap(2), proc_pid_maps(5). */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#define PAGE 4096

static sigjmp_buf back;
static void handler(int signal) { siglongjmp(back, signal); }

static const char *touch(volatile char *address)
{
    int got = sigsetjmp(back, 1);
    if (got == 0) {
        *address += 1;
    }
    return got ? strsignal(got) : "fine";
}

/* The rights and the name that the mapping beginning at `address` has in /proc/self/maps. */
static void describe(void *address)
{
    char line[256], start[32];
    snprintf(start, sizeof start, "%lx-", (unsigned long)address);
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) {
        char rights[8], name[64] = "", mark[16] = "";
        unsigned long offset;
        if (strncmp(line, start, strlen(start)) == 0 &&
            sscanf(line, "%*s %4s %lx %*s %*s %63s %15s", rights, &offset, name, mark) >= 2) {
            printf("%s %lx %s %s\n", rights, offset, name, mark);
        }
    }
    fclose(maps);
}

static void advice_keeps_the_content(char *p)
{
    p[0] = 'a';
    p[PAGE] = 'b';
    SHOW(madvise(p, 4 * PAGE, MADV_DONTNEED));
    CHECK(p[0] == 'a' && p[PAGE] == 'b' && p[2 * PAGE] == 0);
    SHOW(madvise(p, 4 * PAGE, MADV_FREE));
    SHOW(mprotect(p, PAGE, PROT_NONE));
    SHOW(madvise(p, PAGE, MADV_DONTNEED));
    SHOW(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    CHECK(p[0] == 'a');
    SHOW(mprotect(p, PAGE, PROT_READ));
    printf("%s\n", touch(p));
    SHOW(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    printf("%s\n", touch(p));
    CHECK(p[0] == 'b');
}

/* The object stays as long as it was made: what lies past it is not there. */
static void moving_keeps_the_content(char *p)
{
    char *q = mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q[0] == 'b' && q[PAGE] == 'b');
    printf("%s, %s\n", touch(q + 3 * PAGE), touch(q + 4 * PAGE));
    CHECK(mremap(q, 8 * PAGE, PAGE, 0) == q);
    CHECK(mremap(q, PAGE, 4 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
}

static void twice_the_same_pages(void)
{
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *q = mremap(p + PAGE, 0, PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q != p);
    q[7] = 'q';
    CHECK(p[PAGE + 7] == 'q');
    describe(q);
    SHOW(munmap(p, 2 * PAGE));
    CHECK(q[7] == 'q');
    SHOW(munmap(q, PAGE));
    char *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mremap(own, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
    munmap(own, PAGE);
}

static void the_device_is_the_same(void)
{
    int fd = open("/dev/zero", O_RDWR);
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *other = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    p[0] = 'd';
    CHECK(other[0] == 0);
    SHOW(mprotect(p, PAGE, PROT_READ));
    SHOW(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    SHOW(madvise(p, PAGE, MADV_DONTNEED));
    printf("%s %c\n", touch(p), p[0]);
    munmap(p, 2 * PAGE);
    munmap(other, 2 * PAGE);
    close(fd);
}

int main(void)
{
    signal(SIGSEGV, handler);
    signal(SIGBUS, handler);
    char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    describe(p);
    SHOW(munmap(p, 4 * PAGE));
    p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    advice_keeps_the_content(p);
    moving_keeps_the_content(p);
    twice_the_same_pages();
    the_device_is_the_same();
    return 0;
}
