/* dies: SIGSEGV
 * A stack pointer to nowhere: the kernel has its own stack for the fault. */
#include "hostile.h"

OFFENCE lose_stack(void)
{
    __asm__ volatile("movq $0x1000, %rsp\n\tpushq %rax");
}

int main(void)
{
    lose_stack();
    return 0;
}
