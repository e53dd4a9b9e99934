/* futex(2), FUTEX_WAKE_OP and ERRORS: operations and comparisons that there are not. */
#include "check.h"
#include <linux/futex.h>

static int word, other = 5;

static long wake_op(unsigned operation)
{
    return syscall(SYS_futex, &word, FUTEX_WAKE_OP, 1, 1, &other, operation);
}

int main(void)
{
    SHOW(wake_op(7u << 28));
    SHOW(other);
    SHOW(wake_op(1 << 28 | 9 << 24 | 1 << 12)); /* adds before it finds no such comparison */
    SHOW(other);
    SHOW(syscall(SYS_futex, &word, FUTEX_WAKE_OP, 1, 1, (void *)16, 1 << 28));
    SHOW(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE, -1, 1, &other, 0));
    SHOW(syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
    SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0));
    SHOW(syscall(SYS_futex, (char *)&word + 1, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(syscall(SYS_futex, (void *)64, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(syscall(SYS_futex, (void *)64, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    SHOW(syscall(SYS_futex, (void *)-4096, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    SHOW(syscall(SYS_futex, &word, 77, 1, NULL, NULL, 0));
    return 0;
}
