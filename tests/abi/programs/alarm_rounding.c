/* alarm(2): the seconds that were left, to the nearest, but never none of an alarm that was set. */
#include "check.h"
#include <sys/time.h>

int main(void)
{
    SHOW(alarm(10));
    sleep_ms(600);
    SHOW(alarm(10));
    sleep_ms(100);
    SHOW(alarm(0));
    SHOW(alarm(0));
    struct itimerval soon = {{0, 0}, {0, 400000}};
    SHOW(setitimer(ITIMER_REAL, &soon, NULL));
    SHOW(alarm(0));
    return 0;
}
