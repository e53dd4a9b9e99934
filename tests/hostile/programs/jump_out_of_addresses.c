/* dies: SIGSEGV
 * An address that is none (not canonical). */
#include "hostile.h"

OFFENCE jump_out_of_addresses(void)
{
    (void)*(volatile int *)hidden((void *)0x4141414141414141);
}

int main(void)
{
    jump_out_of_addresses();
    return 0;
}
