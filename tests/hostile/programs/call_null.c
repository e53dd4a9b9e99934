/* dies: SIGSEGV
 * A call of a function pointer that was never set. */
#include "hostile.h"

OFFENCE call_null(void)
{
    ((void (*)(void))hidden(NULL))();
    __asm__ volatile("");
}

int main(void)
{
    call_null();
    return 0;
}
