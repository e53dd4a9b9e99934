/* First in the order: what the kernel counts after it is where the others must come back to. */
#include "check.h"

int main(void)
{
    printf("nothing\n");
    return 0;
}
