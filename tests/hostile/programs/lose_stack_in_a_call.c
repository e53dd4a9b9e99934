/* dies: SIGSEGV
 * A system call with a stack pointer to nowhere does no harm; what follows dies. */
#include "hostile.h"

OFFENCE lose_stack_in_a_call(void)
{
    __asm__ volatile("movq $0x1000, %%rsp\n\tmovl $39, %%eax\n\tsyscall\n\tpushq %%rax" ::: "rax", "rcx", "r11");
}

int main(void)
{
    lose_stack_in_a_call();
    return 0;
}
