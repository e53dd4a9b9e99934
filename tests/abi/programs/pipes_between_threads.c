/* pipe(7): a blocked reader and a blocked writer are woken, by bytes and by the other end's close;
 * writes of up to PIPE_BUF are not mixed. */
#include "check.h"
#include <limits.h>
#include <pthread.h>
#include <signal.h>

static int p[2];
static char big[200000];

static void *write_big(void *size)
{
    return (void *)write(p[1], big, (long)size);
}

static void *read_some(void *size)
{
    static char buffer[100];
    return (void *)read(p[0], buffer, (long)size);
}

static void *write_records(void *fill)
{
    char record[PIPE_BUF];
    memset(record, (int)(long)fill, sizeof record);
    for (int i = 0; i < 40; i++)
        if (write(p[1], record, sizeof record) != sizeof record)
            return (void *)1;
    return NULL;
}

static long joined(pthread_t thread)
{
    void *result;
    pthread_join(thread, &result);
    return (long)result;
}

static long drain(long wanted)
{
    static char buffer[5000];
    long total = 0, got;
    while (total < wanted && (got = read(p[0], buffer, sizeof buffer)) > 0)
        total += got;
    return total;
}

static void whole_records(void)
{
    pthread_t threads[3];
    char record[PIPE_BUF];
    int mixed = 0;
    for (long i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, write_records, (void *)('a' + i));
    for (int i = 0; i < 120; i++) {
        long have = 0;
        while (have < (long)sizeof record)
            have += read(p[0], record + have, sizeof record - have);
        for (unsigned at = 1; at < sizeof record; at++)
            mixed += record[at] != record[0];
    }
    SHOW(mixed);
    for (int i = 0; i < 3; i++)
        SHOW(joined(threads[i]));
}

int main(void)
{
    pthread_t thread;
    signal(SIGPIPE, SIG_IGN);
    MUST(pipe(p));
    pthread_create(&thread, NULL, read_some, (void *)100);
    sleep_ms(20);
    SHOW(write(p[1], "12345", 5));
    SHOW(joined(thread));
    pthread_create(&thread, NULL, write_big, (void *)sizeof big);
    sleep_ms(20);
    SHOW(drain(sizeof big));
    SHOW(joined(thread));
    whole_records();
    pthread_create(&thread, NULL, write_big, (void *)(65536 + 100));
    sleep_ms(20);
    close(p[0]);
    SHOW(joined(thread)); /* what was taken counts, not the error */
    close(p[1]);
    MUST(pipe(p));
    pthread_create(&thread, NULL, read_some, (void *)100);
    sleep_ms(20);
    close(p[1]);
    SHOW(joined(thread));
    close(p[0]);
    return 0;
}
