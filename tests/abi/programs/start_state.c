/* System V ABI AMD64 § 3.4.1, getauxval(3): what a program finds on its stack and in its registers. */
#include "check.h"
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <xmmintrin.h>

extern char **environ;

int main(int argc, char **argv)
{
    char **after = environ;
    while (*after)
        after++;
    ElfW(auxv_t) *aux = (ElfW(auxv_t) *)(after + 1);
    int known[64] = {0};
    for (; aux->a_type != AT_NULL; aux++)
        if (aux->a_type < 64)
            known[aux->a_type]++;
    const int wanted[] = {AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS, AT_ENTRY, AT_UID,
                          AT_EUID, AT_GID, AT_EGID, AT_CLKTCK, AT_PLATFORM, AT_HWCAP, AT_SECURE,
                          AT_RANDOM, AT_EXECFN, AT_SYSINFO_EHDR, AT_HWCAP2};
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (known[wanted[i]] != 1)
            printf("entry %d: %d times\n", wanted[i], known[wanted[i]]);
    SHOW(getauxval(AT_PAGESZ));
    SHOW(getauxval(AT_PHENT));
    SHOW(getauxval(AT_CLKTCK));
    SHOW(getauxval(AT_UID) + getauxval(AT_EUID) + getauxval(AT_GID) + getauxval(AT_EGID));
    SHOW(getauxval(AT_SECURE));
    SHOW(getauxval(AT_FLAGS));
    printf("%s\n", (char *)getauxval(AT_PLATFORM));
    CHECK(!strcmp((char *)getauxval(AT_EXECFN), argv[0]));
    const ElfW(Phdr) *header = (const void *)getauxval(AT_PHDR);
    int loads = 0, stack_is_executable = -1;
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
        loads += header[i].p_type == PT_LOAD;
        if (header[i].p_type == PT_GNU_STACK)
            stack_is_executable = header[i].p_flags & PF_X;
    }
    CHECK(loads >= 2);
    SHOW(stack_is_executable);
    const unsigned char *random = (void *)getauxval(AT_RANDOM);
    int same = 0;
    for (int i = 1; i < 16; i++)
        same += random[i] == random[0];
    CHECK(same < 15);
    const char *vdso = (void *)getauxval(AT_SYSINFO_EHDR);
    CHECK(vdso && !memcmp(vdso, ELFMAG, SELFMAG));
    errno = 0;
    SHOW(getauxval(9999));
    CHECK(errno == ENOENT);

    SHOW(argc);
    CHECK(argv[argc] == NULL && environ == argv + argc + 1);
    printf("%s\n", environ[0]);
    CHECK((char *)environ[0] > (char *)argv[0] && argv[0] > (char *)argv); /* strings lie above */
    CHECK(argv[0] + strlen(argv[0]) + 1 == environ[0]);
    CHECK((_mm_getcsr() & ~0x3fU) == 0x1f80);
    unsigned short control;
    __asm__("fnstcw %0" : "=m"(control));
    printf("x87 control %x\n", control);
    unsigned long flags;
    __asm__("pushfq; pop %0" : "=r"(flags));
    CHECK((flags & 0x400) == 0); /* the direction flag */
    SHOW(fcntl(0, F_GETFD));
    SHOW(fcntl(1, F_GETFD));
    SHOW(fcntl(2, F_GETFD));
    SHOW(fcntl(3, F_GETFD));
    CHECK(umask(022) == 022);
    return 0;
}
