/* syscall(2): numbers that mean nothing, and arguments with rubbish in the upper halves of registers. */
#include "check.h"

int main(void)
{
    char byte;
    const long rubbish = 0x5a5a5a5a00000000;
    SHOW(syscall(100000));
    SHOW(syscall(-1));
    SHOW(syscall(400));
    SHOW(syscall(1023));
    SHOW(syscall(SYS_read, rubbish | 99, &byte, 1)); /* an int argument's upper half is not looked at */
    SHOW(syscall(SYS_close, rubbish | 99));
    SHOW(syscall(SYS_lseek, rubbish | 99, 0, 0));
    SHOW(syscall(SYS_write, rubbish | 1, "", 0));
    SHOW(syscall(SYS_dup2, rubbish | 1, rubbish | 50));
    SHOW(syscall(SYS_close, rubbish | 50));
    SHOW(syscall(SYS_umask, rubbish | 022));
    SHOW(syscall(SYS_umask, 022));
    long fd = syscall(SYS_openat, rubbish | (unsigned)AT_FDCWD, "/dev/null", rubbish | O_RDONLY, 0);
    CHECK(fd >= 3);
    SHOW(syscall(SYS_fcntl, fd, rubbish | F_GETFD, 0));
    SHOW(syscall(SYS_close, fd));
    long preserved[3] = {0};
    __asm__ volatile("mov $0x1234, %%r12; mov $0x5678, %%rdx; mov $0x9abc, %%r10; mov $39, %%eax; syscall;"
                     "mov %%r12, %0; mov %%rdx, %1; mov %%r10, %2"
                     : "=m"(preserved[0]), "=m"(preserved[1]), "=m"(preserved[2])
                     :
                     : "rax", "rcx", "rdx", "r10", "r11", "r12", "memory");
    printf("%lx %lx %lx\n", preserved[0], preserved[1], preserved[2]);
    return 0;
}
