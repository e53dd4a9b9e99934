/* sendfile(2), copy_file_range(2): other threads run while much is sent, even where nothing waits. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

enum { SIZE = 256 << 20, TRIES = 20 };
static atomic_long turns;
static atomic_int is_over;

static void *take_turns(void *unused)
{
    (void)unused;
    while (!is_over) {
        turns++;
        sched_yield();
    }
    return NULL;
}

int main(void)
{
    int from = memfd_create("from", 0), to = open("/dev/null", O_WRONLY);
    pthread_t other;
    MUST(ftruncate(from, SIZE));
    pthread_create(&other, NULL, take_turns, NULL);
    while (turns == 0)
        sched_yield();
    long before = turns;
    int sent = 0;
    do { /* on a busy machine its turn may come with none of the first */
        off_t start = 0;
        MUST(sendfile(to, from, &start, SIZE) == SIZE ? 0 : -1);
    } while (turns == before && ++sent < TRIES);
    CHECK(turns > before);
    is_over = 1;
    pthread_join(other, NULL);
    close(from);
    close(to);
    return 0;
}
