/* dies: SIGSEGV
 * The code that the kernel lends, the vDSO, cannot be written. */
#include "hostile.h"
#include <sys/auxv.h>

OFFENCE overwrite_vdso(void)
{
    *(volatile char *)hidden((void *)getauxval(AT_SYSINFO_EHDR)) = 0;
}

int main(void)
{
    overwrite_vdso();
    return 0;
}
