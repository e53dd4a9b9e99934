/* dies: SIGSEGV
 * Nor the kernel's constants; argv[1] is where they are. */
#include "hostile.h"

OFFENCE overwrite_kernel_constants(const char *address)
{
    *(volatile char *)hidden((void *)strtoul(address, NULL, 16)) = 0;
}

int main(int argc, char **argv)
{
    overwrite_kernel_constants(argc > 1 ? argv[1] : "ffffffff80200000");
    return 0;
}
