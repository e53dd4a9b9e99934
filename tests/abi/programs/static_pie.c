/* elf(5) ET_DYN without an interpreter: relocations, TLS and constructors. link: static-pie */
#include "check.h"
#include <link.h>
#include <pthread.h>
#include <sys/auxv.h>

static const char *const table[] = {"relocated", "pointers"};
static int (*const functions[])(int) = {abs, abs};
static __thread int initialised = 5, zeroed;
static int order[3], count;

__attribute__((constructor(101))) static void first(void)
{
    order[count++] = 1;
}

__attribute__((constructor(102))) static void second(void)
{
    order[count++] = 2;
}

static void *in_thread(void *arg)
{
    initialised += 10;
    zeroed++;
    return (void *)(long)(initialised * 100 + zeroed);
}

int main(void)
{
    pthread_t thread;
    void *result;
    printf("%s %s %d\n", table[0], table[1], functions[1](-4));
    printf("%d %d of %d\n", order[0], order[1], count);
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, &result);
    SHOW((long)result);
    printf("%d %d\n", initialised, zeroed);
    const ElfW(Phdr) *header = (const void *)getauxval(AT_PHDR);
    int has_dynamic = 0, has_interpreter = 0, relro = 0;
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
        has_dynamic += header[i].p_type == PT_DYNAMIC;
        has_interpreter += header[i].p_type == PT_INTERP;
        relro += header[i].p_type == PT_GNU_RELRO;
    }
    printf("dynamic %d, interpreter %d, relro %d\n", has_dynamic, has_interpreter, relro);
    SHOW(getauxval(AT_BASE));
    return 0;
}
