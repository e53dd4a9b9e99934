/* fuzz calls SEED CALLS LIMIT_MS   random system calls from several processes and threads
 * fuzz memory SEED LIMIT_MS        takes memory in every form until there is no more
 * fuzz sweep                       removes the files and queues the others may have left
 *
 * Anything else is what a worker made of execve(2). */
#include "fuzz.h"

void print(const char *text)
{
    word length = 0;
    while (text[length])
        length++;
    CALL(write, 1, (word)text, length);
}

void print_number(word number)
{
    char digits[21], *first = digits + 20;
    *first = 0;
    do
        *--first = '0' + number % 10;
    while (number /= 10);
    print(first);
}

word parse_number(const char *text)
{
    word number = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (*text - '0');
    return number;
}

void *memset(void *to, int byte, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++)
        ((volatile char *)to)[i] = byte;
    return to;
}

void *memcpy(void *to, const void *from, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++)
        ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}

static int is(const char *one, const char *other)
{
    while (*one && *one == *other)
        one++, other++;
    return *one == *other;
}

int run(const word *stack)
{
    word count = stack[0];
    const char *const *argument = (const char *const *)(stack + 1);
    if (count == 5 && is(argument[1], "calls"))
        return supervise(parse_number(argument[2]), parse_number(argument[3]),
                         parse_number(argument[4]));
    if (count == 4 && is(argument[1], "memory"))
        return exhaust(parse_number(argument[2]), parse_number(argument[3]));
    if (count == 2 && is(argument[1], "sweep"))
        return sweep();
    return 0;
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\n\tand $-16, %rsp\n\tcall run\n\t"
        "mov %eax, %edi\n\tmov $231, %eax\n\tsyscall");
