/* dies: SIGSEGV
 * Initialised data is not code. */
#include "hostile.h"

static unsigned char code[16] = {0xc3};

OFFENCE execute_data(void)
{
    ((void (*)(void))hidden(code))();
    code[1]++;
}

int main(void)
{
    execute_data();
    return 0;
}
