/* dies: SIGSEGV
 * What malloc gives is not code. */
#include "hostile.h"

OFFENCE execute_heap(void)
{
    unsigned char *code = malloc(16);
    code[0] = 0xc3;
    ((void (*)(void))hidden(code))();
    free(code);
}

int main(void)
{
    execute_heap();
    return 0;
}
