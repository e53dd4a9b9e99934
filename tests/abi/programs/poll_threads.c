/* poll(2): who wakes when several threads wait for one descriptor, and closing while one waits. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

static int fd, p[2];

static void *waits(void *arg)
{
    struct pollfd one = {fd, POLLIN, 0};
    (void)arg;
    return (void *)(long)poll(&one, 1, 2000);
}

static void *waits_for_two(void *arg)
{
    struct pollfd two[2] = {{fd, POLLIN, 0}, {p[0], POLLIN, 0}};
    (void)arg;
    int count = poll(two, 2, 2000);
    return (void *)(long)(count * 100 + two[0].revents * 10 + two[1].revents);
}

static void *waits_for_room(void *arg)
{
    struct pollfd one = {p[1], POLLOUT, 0};
    (void)arg;
    return (void *)(long)poll(&one, 1, 2000);
}

static long result_of(pthread_t thread)
{
    void *result;
    pthread_join(thread, &result);
    return (long)result;
}

int main(void)
{
    pthread_t threads[4];
    uint64_t one = 1;
    char page[4096] = {0};
    long woken = 0;
    fd = eventfd(0, 0);
    MUST(pipe2(p, O_NONBLOCK));
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, waits, NULL);
    sleep_ms(15);
    MUST(write(fd, &one, 8));
    for (int i = 0; i < 4; i++)
        woken += result_of(threads[i]);
    SHOW(woken); /* all of them: poll takes nothing */
    MUST(read(fd, &one, 8));
    pthread_create(&threads[0], NULL, waits_for_two, NULL);
    sleep_ms(10);
    MUST(write(p[1], "x", 1));
    SHOW(result_of(threads[0]));
    while (write(p[1], page, sizeof page) > 0)
        ;
    pthread_create(&threads[0], NULL, waits_for_room, NULL);
    sleep_ms(10);
    while (read(p[0], page, sizeof page) > 0)
        ;
    SHOW(result_of(threads[0]));
    pthread_create(&threads[0], NULL, waits_for_two, NULL);
    sleep_ms(10);
    close(p[1]);
    SHOW(result_of(threads[0]));
    pthread_create(&threads[0], NULL, waits, NULL);
    sleep_ms(10);
    int copy = dup(fd);
    close(fd); /* the one that waits still holds the file */
    one = 1;
    MUST(write(copy, &one, 8));
    SHOW(result_of(threads[0]));
    close(copy);
    close(p[0]);
    return 0;
}
