/* mprotect(2), mmap(2): each protection, parts of mappings, and the errors. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

enum { PAGE = 4096 };
static sigjmp_buf back;
static char *area;

static void handler(int signal)
{
    siglongjmp(back, signal);
}

static int can_read(int page)
{
    if (sigsetjmp(back, 1))
        return 0;
    (void)*(volatile char *)(area + page * PAGE);
    return 1;
}

static int can_write(int page)
{
    if (sigsetjmp(back, 1))
        return 0;
    *(volatile char *)(area + page * PAGE + 9) = 1;
    return 1;
}

static void show_pages(const char *when)
{
    printf("%s:", when);
    for (int i = 0; i < 5; i++)
        printf(" %s%s", can_read(i) ? "r" : "-", can_write(i) ? "w" : "-");
    printf("\n");
}

int main(void)
{
    signal(SIGSEGV, handler);
    area = mmap(NULL, 5 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    show_pages("PROT_NONE");
    SHOW(mprotect(area, 5 * PAGE, PROT_READ));
    show_pages("PROT_READ");
    SHOW(mprotect(area + PAGE, 3 * PAGE, PROT_READ | PROT_WRITE));
    show_pages("the middle writable");
    SHOW(mprotect(area + 2 * PAGE, 1, PROT_NONE)); /* rounded up to a page */
    show_pages("one page none");
    SHOW(mprotect(area + 4 * PAGE, PAGE, PROT_WRITE)); /* implies reading on x86 */
    show_pages("the last written only");
    SHOW(mprotect(area + 2 * PAGE, PAGE, PROT_READ));
    SHOW(area[PAGE + 9] + area[2 * PAGE + 9]); /* what was written stays */
    SHOW(mprotect(area + 1, PAGE, PROT_READ));
    SHOW(mprotect(area, 0, PROT_READ));
    SHOW(mprotect(area, PAGE, 0x100));
    SHOW(mprotect(area, PAGE, PROT_GROWSUP | PROT_GROWSDOWN));
    SHOW(munmap(area + 3 * PAGE, PAGE));
    SHOW(mprotect(area, 5 * PAGE, PROT_NONE)); /* with a hole: as far as it goes */
    show_pages("before the hole");
    SHOW(munmap(area, 5 * PAGE));
    SHOW(munmap(area, 5 * PAGE)); /* nothing there is no error */
    SHOW(mprotect(area, PAGE, PROT_READ));
    SHOW(munmap(area + 1, PAGE));
    SHOW(munmap(area, 0));
    SHOW(munmap(area, (size_t)-PAGE));

    area = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *fixed = mmap(area + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(fixed == area + PAGE);
    show_pages("replaced");
    CHECK(mmap(area, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
              MAP_FAILED && errno == EEXIST);
    CHECK(mmap(area + 7, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
              MAP_FAILED && errno == EINVAL);
    munmap(area, 5 * PAGE);
    char *hinted = mmap(area, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(hinted == area); /* a hint that is free is taken */
    CHECK(mmap(area, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != area);
    CHECK(mmap(NULL, (size_t)1 << 48, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == ENOMEM);
    CHECK(mmap(NULL, (size_t)-1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == ENOMEM);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != (void *)1);
    munmap(area, PAGE);
    return 0;
}
