/* dies: SIGSEGV
 * link: dynamic
 * Data that was relocated at start is read-only from then on: the loader's mprotect holds. */
#include "hostile.h"

static int (*const table[])(const char *) = {puts, remove};

OFFENCE overwrite_relro(void)
{
    *(void *volatile *)hidden(table) = NULL;
}

int main(void)
{
    overwrite_relro();
    return table[0] == NULL;
}
