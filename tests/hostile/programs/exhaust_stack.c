/* dies: SIGSEGV
 * The main thread's stack ends at a guard. */
#include "hostile.h"

int exhaust_stack(int depth)
{
    volatile char room[4000];
    room[0] = (char)depth;
    return depth < 0 ? 0 : exhaust_stack(depth + 1) + room[0];
}

int main(void)
{
    return exhaust_stack(0);
}
