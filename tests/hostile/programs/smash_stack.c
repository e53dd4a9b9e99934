/* dies: SIGABRT
 * The stack protector's canary is there, random, and looked at. */
#include "hostile.h"

OFFENCE smash_stack(void)
{
    char room[8];
    memset(hidden(room), 'A', 64);
}

int main(void)
{
    smash_stack();
    return 0;
}
