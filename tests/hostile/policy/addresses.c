/* link: static-pie */
/* Where things are: another place at every start. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    int local;
    unsigned char *random = (unsigned char *)getauxval(AT_RANDOM);
    printf("code %p\n", (void *)main);
    printf("stack %p\n", (void *)&local);
    printf("mmap %p\n", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    printf("heap %p\n", sbrk(0));
    printf("vdso %p\n", (void *)getauxval(AT_SYSINFO_EHDR));
    printf("canary %02x%02x%02x%02x%02x%02x\n", random[1], random[2], random[3], random[4], random[5], random[6]);
    return 0;
}
