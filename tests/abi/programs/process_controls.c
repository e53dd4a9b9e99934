/* prctl(2): what is set is told, and what is not to be set. */
#include "process.h"
#include <sys/prctl.h>

int main(void)
{
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(PR_SET_DUMPABLE, 0));
    SHOW(prctl(PR_GET_DUMPABLE));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(prctl(PR_GET_DUMPABLE));
    reap("not dumpable either", child);
    SHOW(prctl(PR_SET_DUMPABLE, 2));
    SHOW(prctl(PR_SET_DUMPABLE, 1));
    SHOW(prctl(PR_GET_DUMPABLE));
    int before = prctl(PR_GET_TIMERSLACK);
    SHOW(prctl(PR_SET_TIMERSLACK, 12345));
    SHOW(prctl(PR_GET_TIMERSLACK));
    SHOW(prctl(PR_SET_TIMERSLACK, 0));
    CHECK(prctl(PR_GET_TIMERSLACK) == before);
    SHOW(prctl(PR_SET_PDEATHSIG, 65));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_KEEPCAPS, 2));
    return 0;
}
