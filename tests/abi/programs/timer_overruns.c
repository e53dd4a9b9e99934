/* timer_getoverrun(2): expirations while the signal was pending, which is queued once. */
#include "check.h"
#include <signal.h>
#include <sys/timerfd.h>

int main(void)
{
    struct itimerspec period = {{0, 5000000}, {0, 5000000}}, off = {0};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct timespec none = {0, 0};
    timer_t timer;
    siginfo_t info;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
    MUST(timer_settime(timer, 0, &period, NULL));
    sleep_ms(62);
    SHOW(sigtimedwait(&set, &info, &none));
    CHECK(info.si_overrun >= 9 && info.si_overrun < 200);
    CHECK(timer_getoverrun(timer) == info.si_overrun);
    MUST(timer_settime(timer, 0, &off, NULL));
    while (sigtimedwait(&set, &info, &none) > 0)
        ;
    SHOW(timer_settime(timer, 0, &period, NULL));
    SHOW(timer_delete(timer));

    uint64_t count = 0;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    MUST(timerfd_settime(fd, 0, &period, NULL));
    sleep_ms(52);
    MUST(read(fd, &count, 8));
    CHECK(count >= 9 && count < 200);
    SHOW(timerfd_settime(fd, 0, &off, NULL));
    SHOW(read(fd, &count, 8));
    MUST(timerfd_settime(fd, 0, &period, NULL));
    sleep_ms(12);
    MUST(timerfd_settime(fd, 0, &period, NULL)); /* forgets what had expired */
    SHOW(read(fd, &count, 8));
    close(fd);
    return 0;
}
