/* pipe(7): a write that waits when the last reader leaves tells what it has written, and there is
 * SIGPIPE all the same. */
#include "check.h"
#include <pthread.h>
#include <signal.h>

static volatile int seen;
static int fds[2];
static char bytes[200000];

static void on(int signal)
{
    seen++;
}

static void *leave(void *unused)
{
    sleep_ms(50);
    close(fds[0]);
    return unused;
}

int main(void)
{
    signal(SIGPIPE, on);
    MUST(pipe(fds));
    pthread_t thread;
    pthread_create(&thread, NULL, leave, NULL);
    SHOW(write(fds[1], bytes, sizeof bytes));
    SHOW(seen);
    SHOW(write(fds[1], bytes, 1));
    SHOW(seen);
    pthread_join(thread, NULL);
    return 0;
}
