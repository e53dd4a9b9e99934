/* Dies in the way its argument names, two calls deep. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) static void touch(volatile char *address)
{
    *address = 1;
}

__attribute__((noinline)) static void run_over(volatile char *above)
{
    volatile char array[4096];
    array[0] = above[0];
    run_over(array);
    array[4095] = array[0];
}

__attribute__((noinline)) void inner_function(const char *how)
{
    if (strcmp(how, "null") == 0)
        touch((char *)12);
    if (strcmp(how, "blocked") == 0) {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, 0);
        touch((char *)12);
    }
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "stack") == 0)
        run_over("");
    if (strcmp(how, "kernel") == 0)
        touch((char *)0xffffffff80100000);
    if (strcmp(how, "jump") == 0)
        ((void (*)(void))0xffff800000100000)(); /* the kernel's code in the direct map */
    if (strncmp(how, "0x", 2) == 0) /* on a stack that no program has */
        __asm__ volatile("mov %0, %%rsp\n\tjmp *%1"
                         : : "r"(0xffff800002000000), "r"(strtoul(how, 0, 16)), "D"(12));
}

__attribute__((noinline)) void outer_function(const char *how)
{
    inner_function(how);
    __asm__ volatile("" ::: "memory"); /* not a tail call: it must be on the stack */
}

int main(int argc, char **argv)
{
    (void)argc;
    outer_function(argv[1]);
    return 0;
}
