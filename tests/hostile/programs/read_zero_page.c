/* dies: SIGSEGV
 * Nothing is mapped at address 0. */
#include "hostile.h"

OFFENCE read_zero_page(void)
{
    (void)*(volatile int *)hidden(NULL);
}

int main(void)
{
    read_zero_page();
    return 0;
}
