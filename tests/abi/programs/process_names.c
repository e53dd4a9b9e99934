/* prctl(2), arch_prctl(2), personality(2): names, flags, and the errors of unknown requests. */
#include "check.h"
#include <asm/prctl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>

static void *names_itself(void *arg)
{
    char name[16];
    prctl(PR_GET_NAME, name);
    printf("inherited: %s\n", name);
    prctl(PR_SET_NAME, "thread");
    prctl(PR_GET_NAME, name);
    printf("%s\n", name);
    return arg;
}

int main(void)
{
    char name[17] = {0};
    int value = -1;
    pthread_t thread;
    SHOW(prctl(PR_SET_NAME, "fifteen letters and more"));
    SHOW(prctl(PR_GET_NAME, name));
    printf("%s\n", name);
    pthread_create(&thread, NULL, names_itself, NULL);
    pthread_join(thread, NULL);
    prctl(PR_GET_NAME, name);
    printf("%s\n", name);
    SHOW(prctl(PR_SET_NAME, ""));
    prctl(PR_GET_NAME, name);
    printf("[%s]\n", name);
    SHOW(prctl(PR_SET_NAME, 1L));
    SHOW(prctl(PR_GET_NAME, 1L));
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    SHOW(prctl(PR_GET_PDEATHSIG, &value));
    SHOW(value);
    SHOW(prctl(PR_SET_PDEATHSIG, 0));
    SHOW(prctl(PR_SET_PDEATHSIG, 100));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_TIMERSLACK, 0));
    SHOW(prctl(PR_GET_TIMERSLACK));
    SHOW(prctl(9999));
    SHOW(prctl(-1));
    unsigned long base = 0;
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
    CHECK(base != 0 && base == (unsigned long)pthread_self());
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_FS, 1L));
    SHOW(syscall(SYS_arch_prctl, ARCH_SET_FS, 0x8000000000000000));
    SHOW(syscall(SYS_arch_prctl, 0x9999, &base));
    SHOW(personality(0xffffffff) & ~ADDR_NO_RANDOMIZE);
    return 0;
}
