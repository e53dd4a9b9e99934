/* select(2), pselect(2): the three sets are kept apart, counted, cleared; descriptors above 64; time left. */
#include "check.h"
#include <signal.h>
#include <sys/select.h>
#include <sys/time.h>

static int p[2];

static void tell(const char *what, int top, fd_set *r, fd_set *w, fd_set *e, long ms)
{
    struct timeval t = {ms / 1000, ms % 1000 * 1000};
    int ready = select(top, r, w, e, ms < 0 ? NULL : &t);
    printf("%s: %s%d", what, ready < 0 ? strerrorname_np(errno) : "", ready);
    for (int i = 0; i < 2; i++)
        printf(" %d%d%d", r && FD_ISSET(p[i], r), w && FD_ISSET(p[i], w), e && FD_ISSET(p[i], e));
    printf("\n");
}

static void all(fd_set *set)
{
    FD_ZERO(set);
    FD_SET(p[0], set);
    FD_SET(p[1], set);
}

static void on_signal(int signal) { (void)signal; }

int main(void)
{
    int low[2];
    char byte;
    fd_set r, w, e;
    MUST(pipe(low));
    p[0] = dup2(low[0], 63);
    p[1] = dup2(low[1], 64);
    close(low[0]);
    close(low[1]);
    all(&r), all(&w), all(&e);
    tell("empty", 65, &r, &w, &e, 0);
    MUST(write(p[1], "x", 1));
    all(&r), all(&w), all(&e);
    tell("filled", 65, &r, &w, &e, -1);
    all(&r), all(&w), all(&e);
    tell("the top one left out", 64, &r, &w, &e, 0);
    all(&r);
    tell("read set only", 65, &r, NULL, NULL, 0);
    all(&w);
    tell("write set only", 65, NULL, &w, NULL, 0);
    MUST(read(p[0], &byte, 1));
    all(&r);
    FD_CLR(p[1], &r);
    long before = now_ms();
    tell("timeout", 65, &r, NULL, NULL, 30);
    CHECK(now_ms() - before >= 29);
    close(p[1]);
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    tell("hung up", 64, &r, NULL, NULL, 0);
    FD_SET(p[1], &r);
    tell("a closed one", 65, &r, NULL, NULL, 0);
    close(p[0]);
    MUST(pipe(low));
    close(low[0]);
    p[1] = low[1];
    FD_ZERO(&w);
    FD_SET(p[1], &w);
    tell("no reader", p[1] + 1, NULL, &w, NULL, 0);
    close(low[1]);

    MUST(pipe(p));
    struct timeval t = {0, 20000}, bad = {0, -1};
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    SHOW(select(p[0] + 1, &r, NULL, NULL, &t));
    SHOW(t.tv_sec * 1000000 + t.tv_usec);
    SHOW(select(0, NULL, NULL, NULL, &bad));
    SHOW(select(-1, NULL, NULL, NULL, &t));
    FD_ZERO(&w);
    FD_SET(p[1], &w);
    t.tv_sec = 100;
    SHOW(select(p[1] + 1, NULL, &w, NULL, &t));
    CHECK(t.tv_sec >= 98 && t.tv_sec <= 100);
    sigset_t usr, none;
    sigemptyset(&none);
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr, NULL);
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    FD_SET(p[0], &r);
    SHOW(pselect(p[0] + 1, &r, NULL, NULL, NULL, &none));
    CHECK(FD_ISSET(p[0], &r));
    struct timespec short_time = {0, 10000000};
    SHOW(pselect(p[0] + 1, &r, NULL, NULL, &short_time, NULL));
    SHOW(FD_ISSET(p[0], &r) != 0);
    SHOW(select(10, (fd_set *)8, NULL, NULL, &t));
    close(p[0]);
    close(p[1]);
    return 0;
}
