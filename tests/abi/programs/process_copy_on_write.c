/* fork(2), madvise(2) MADV_DONTFORK and MADV_WIPEONFORK: memory is copied as it is written. */
#include "process.h"
#include <sys/mman.h>

enum { PAGES = 300, PAGE = 4096 };
static char *area;
static struct gate written, go;

static int fits(char first, char second)
{
    int wrong = 0;
    for (int i = 0; i < PAGES; i++)
        wrong += area[i * PAGE] != (i % 2 ? second : first);
    return wrong;
}

static void fill(char byte, int from, int step)
{
    for (int i = from; i < PAGES; i += step)
        area[i * PAGE] = byte;
}

static int writes_odd(void)
{
    fill('c', 1, 2);
    open_gate(written);
    pass_gate(go);
    SHOW(fits('p', 'c')); /* the parent has written since */
    return 0;
}

static int changes_its_map(void)
{
    MUST(mprotect(area, PAGE, PROT_READ));
    MUST(munmap(area + PAGE, PAGE));
    char *moved = mremap(area + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
    return moved[0] == 'q' && moved[PAGE] == 0 ? 3 : 1;
}

static int grows_its_heap(void)
{
    char *end = sbrk(0);
    MUST(sbrk(100 * PAGE) == end ? 0 : -1);
    memset(end, 7, 100 * PAGE);
    return 0;
}

static int reads_by_kernel(void)
{
    int null = open("/dev/zero", O_RDONLY);
    return read(null, area, PAGE) == PAGE && area[0] == 0; /* the kernel's writes copy as well */
}

static int faults_at_missing(void)
{
    return area[0];
}

static int sees_wiped(void)
{
    return area[0] == 0 ? 4 : 1;
}

static int deep(void)
{
    static int depth;
    if (++depth == 6)
        return area[0] == 'q' ? depth : 99;
    int status;
    pid_t pid = child(deep);
    MUST(waitpid(pid, &status, 0));
    return WEXITSTATUS(status);
}

int main(void)
{
    written = new_gate();
    go = new_gate();
    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fill('p', 0, 1);
    pid_t pid = child(writes_odd);
    pass_gate(written);
    SHOW(fits('p', 'p'));
    fill('q', 0, 1);
    open_gate(go);
    reap("writes odd", pid);
    SHOW(fits('q', 'q'));
    run("changes its map", changes_its_map);
    SHOW(fits('q', 'q'));
    area[0] = 'q';
    char *end = sbrk(0);
    run("grows its heap", grows_its_heap);
    CHECK(sbrk(0) == end);
    run("reads by the kernel", reads_by_kernel);
    SHOW(fits('q', 'q'));
    run("deep", deep);

    SHOW(madvise(area, PAGE, MADV_DONTFORK));
    run("without it", faults_at_missing);
    SHOW(madvise(area, PAGE, MADV_DOFORK));
    run("with it", faults_at_missing);
    SHOW(madvise(area, PAGE, MADV_WIPEONFORK));
    run("wiped", sees_wiped);
    CHECK(area[0] == 'q');
    SHOW(madvise(area, PAGE, MADV_KEEPONFORK));
    run("kept", faults_at_missing);
    munmap(area, PAGES * PAGE);
    close_gate(written);
    close_gate(go);
    return 0;
}
