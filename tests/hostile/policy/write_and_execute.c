/* What W^X leaves to a program: never both at once, either one after the other. Not for Linux, which
 * grants all of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int main(void)
{
    const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
    void *both = mmap(NULL, 4096, all, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("mmap: %s\n", both == MAP_FAILED ? strerrorname_np(errno) : "granted");
    unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, "\xb8\x2a\x00\x00\x00\xc3", 6); /* mov eax, 42; ret */
    printf("mprotect: %s\n", mprotect(page, 4096, all) ? strerrorname_np(errno) : "granted");
    printf("execute instead: %s\n", mprotect(page, 4096, PROT_READ | PROT_EXEC) ? "refused" : "granted");
    printf("it runs: %d\n", ((int (*)(void))page)());
    munmap(page, 4096);
    return 0;
}
