/* What every program here shares: results are printed as lines that do not depend on the machine
 * (no addresses, ids or times), so that Linux's output and husk's can be compared. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* A fact: printed, whether it holds or not; the outputs are compared. */
#define CHECK(fact) printf("%s: %s\n", #fact, (fact) ? "yes" : "NO")

/* A call's value, or the name of its error. */
#define SHOW(call) show(#call, (long)(call))

/* Something later lines depend on: the program ends when it fails. */
#define MUST(call)                                                                             \
    do {                                                                                       \
        if ((long)(call) < 0) {                                                                \
            printf("%s failed: %s\n", #call, strerrorname_np(errno));                          \
            exit(1);                                                                           \
        }                                                                                      \
    } while (0)

static inline long show(const char *what, long value)
{
    if (value == -1)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, value);
    return value;
}

/* Milliseconds between two times of one clock. */
#include <time.h>
static inline long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Sleeps, whatever signals come. */
static inline void sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t) == -1 && errno == EINTR)
        ;
}

#endif
