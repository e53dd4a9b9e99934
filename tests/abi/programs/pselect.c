/* pselect(2), select(2): sets in and out, times, masks, and the errors. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/select.h>

static volatile int handled;

static void handler(int signal)
{
    (void)signal;
    handled++;
}

int main(void)
{
    fd_set in, out, except;
    struct timespec some = {0, 10000000}, bad = {0, -1};
    struct timeval tv = {0, 10000}, negative = {-1, 0}, large = {0, 1500000};
    sigset_t usr1, none;
    int p[2];
    MUST(pipe(p));
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    FD_SET(p[0], &in);
    FD_SET(p[1], &out);
    FD_SET(p[0], &except);
    SHOW(select(p[1] + 1, &in, &out, &except, NULL));
    printf("%d %d %d\n", FD_ISSET(p[0], &in), FD_ISSET(p[1], &out), FD_ISSET(p[0], &except));
    MUST(write(p[1], "x", 1));
    FD_SET(p[0], &in);
    SHOW(select(p[1] + 1, &in, &out, NULL, &tv));
    FD_ZERO(&in);
    FD_SET(p[1], &in);
    SHOW(select(p[1] + 1, &in, NULL, NULL, &tv)); /* the wrong end is never readable */
    SHOW(FD_ISSET(p[1], &in));
    CHECK(tv.tv_sec == 0 && tv.tv_usec == 0); /* Linux stores what is left */
    SHOW(select(0, NULL, NULL, NULL, &tv));
    SHOW(select(-1, NULL, NULL, NULL, &tv));
    SHOW(select(1, NULL, NULL, NULL, &negative));
    large.tv_sec = 0;
    FD_SET(p[0], &in);
    SHOW(select(p[1] + 1, &in, NULL, NULL, &large)); /* more than a second in tv_usec */
    FD_ZERO(&in);
    FD_SET(p[1] + 7, &in);
    SHOW(select(p[1] + 8, &in, NULL, NULL, &tv));
    SHOW(syscall(SYS_select, 1, 8L, NULL, NULL, &tv));
    SHOW(syscall(SYS_select, 1, NULL, NULL, NULL, 8L));

    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    signal(SIGUSR1, handler);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    SHOW(pselect(0, NULL, NULL, NULL, &some, &none));
    SHOW(some.tv_nsec); /* pselect(2) does not */
    raise(SIGUSR1);
    SHOW(pselect(0, NULL, NULL, NULL, &some, NULL));
    SHOW(handled);
    SHOW(pselect(0, NULL, NULL, NULL, &some, &none));
    SHOW(handled);
    raise(SIGUSR1);
    FD_ZERO(&in);
    FD_SET(p[0], &in);
    SHOW(pselect(p[0] + 1, &in, NULL, NULL, &some, &none)); /* ready: the signal waits */
    SHOW(pselect(0, NULL, NULL, NULL, &bad, NULL));
    struct {
        const sigset_t *set;
        size_t size;
    } argument = {&none, 4};
    SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &some, &argument));
    SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &some, 8L));
    argument.set = NULL;
    SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &some, &argument));
    close(p[0]);
    close(p[1]);
    return 0;
}
