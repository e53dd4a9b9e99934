/* dies: SIGSEGV
 * A program may not write to its own code. */
#include "hostile.h"

OFFENCE overwrite_own_code(void)
{
    *(volatile char *)hidden((void *)overwrite_own_code) = (char)0xc3;
}

int main(void)
{
    overwrite_own_code();
    return 0;
}
