/* dies: SIGSEGV
 * The kernel's code, in the same address space and at the same privilege, cannot be written. */
#include "hostile.h"

OFFENCE overwrite_kernel_code(void)
{
    *(volatile char *)hidden((void *)0xffffffff80100000) = (char)0xc3;
}

int main(void)
{
    overwrite_kernel_code();
    return 0;
}
