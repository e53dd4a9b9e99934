/* What the hostile programs share. Each breaks one rule in a function of its own, whose name the crash
 * report must give; it gets to the end of main only when nothing stopped it. */
#ifndef HOSTILE_H
#define HOSTILE_H

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OFFENCE __attribute__((noinline, noclone)) void

/* The compiler must not see where a pointer leads. */
static inline void *hidden(const void *pointer)
{
    void *copy = (void *)pointer;
    __asm__ volatile("" : "+r"(copy));
    return copy;
}

#endif
