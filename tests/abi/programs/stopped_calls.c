/* signal(7) § Interruption of system calls by stop signals: these go on after SIGCONT with the time
 * that was left. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { NS = 200000000, CALLS = 7 };
static int word;

static long call(int which)
{
    struct timespec time = {0, NS};
    struct timeval interval = {0, NS / 1000};
    switch (which) {
    case 0: return nanosleep(&time, NULL);
    case 1: return clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
    case 2: return poll(NULL, 0, NS / 1000000);
    case 3: return select(0, NULL, NULL, NULL, &interval);
    case 4: return syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, &time, NULL, 0);
    case 5: return pselect(0, NULL, NULL, NULL, &time, NULL);
    default: return ppoll(NULL, 0, &time, NULL);
    }
}

int main(void)
{
    static const char *names[CALLS] = {
        "nanosleep", "clock_nanosleep", "poll", "select", "futex", "pselect", "ppoll",
    };
    pid_t children[CALLS];
    for (int i = 0; i < CALLS; i++) {
        fflush(stdout);
        if ((children[i] = fork()) == 0) {
            long began_ms = now_ms(), result = call(i), took_ms = now_ms() - began_ms;
            printf("%s: %ld %s\n", names[i], result, result ? strerrorname_np(errno) : "");
            CHECK(took_ms >= NS / 1000000 && took_ms < 2000);
            fflush(stdout);
            _exit(0);
        }
        sleep_ms(30);
        kill(children[i], SIGSTOP);
        sleep_ms(30);
        kill(children[i], SIGCONT);
        waitpid(children[i], NULL, 0);
    }
    return 0;
}
