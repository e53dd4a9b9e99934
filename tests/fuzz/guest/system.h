/* System calls without a C library: the fuzzer lives on after it spoilt its own thread registers,
 * signal mask and heap, of which a C library makes use. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t word;

static inline long system_call(long number, const word *argument)
{
    register word four __asm__("r10") = argument[3];
    register word five __asm__("r8") = argument[4];
    register word six __asm__("r9") = argument[5];
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(argument[0]), "S"(argument[1]), "d"(argument[2]), "r"(four),
                       "r"(five), "r"(six)
                     : "rcx", "r11", "memory");
    return result;
}

/* A call that may return twice, the second time on any stack: that one ends at once, by registers. */
static inline long splitting_call(long number, const word *argument)
{
    register word four __asm__("r10") = argument[3];
    register word five __asm__("r8") = argument[4];
    register word six __asm__("r9") = argument[5];
    long result;
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\t"
                     "xor %%edi, %%edi\n\tmov %[exit], %%eax\n\tsyscall\n1:"
                     : "=a"(result)
                     : "a"(number), "D"(argument[0]), "S"(argument[1]), "d"(argument[2]), "r"(four),
                       "r"(five), "r"(six), [exit] "i"(__NR_exit)
                     : "rcx", "r11", "memory");
    return result;
}

#define CALL(name, ...) system_call(__NR_##name, (const word[6]){__VA_ARGS__})

void print(const char *text);
void print_number(word number);
word parse_number(const char *text);

#endif
