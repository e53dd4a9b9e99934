/* dies: SIGSEGV
 * rt_sigreturn(2) of a frame that no signal made: a stack that is not there. */
#include "hostile.h"

OFFENCE forge_signal_frame(void)
{
    __asm__ volatile("movq $0x1000, %rsp\n\tmovl $15, %eax\n\tsyscall");
}

int main(void)
{
    forge_signal_frame();
    return 0;
}
