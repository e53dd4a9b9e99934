/* dies: SIGSEGV
 * The stack is not code. */
#include "hostile.h"

OFFENCE execute_stack(void)
{
    volatile unsigned char code[16] = {0xc3};
    ((void (*)(void))hidden((void *)code))();
    code[1]++;
}

int main(void)
{
    execute_stack();
    return 0;
}
