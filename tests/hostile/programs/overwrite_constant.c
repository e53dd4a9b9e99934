/* dies: SIGSEGV
 * Read-only data stays as it is. */
#include "hostile.h"

static const char constant[] = "constant";

OFFENCE overwrite_constant(void)
{
    *(volatile char *)hidden(constant) = 'C';
}

int main(void)
{
    overwrite_constant();
    return constant[0] == 'C';
}
