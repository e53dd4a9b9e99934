/* dies: SIGSEGV
 * mprotect(2) that takes execution away takes it away. */
#include "hostile.h"

OFFENCE run_data_as_code(void)
{
    unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[0] = 0xc3;
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    ((void (*)(void))hidden(page))();
    puts("ran once");
    fflush(stdout);
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    ((void (*)(void))hidden(page))();
    munmap(page, 4096);
}

int main(void)
{
    run_data_as_code();
    return 0;
}
