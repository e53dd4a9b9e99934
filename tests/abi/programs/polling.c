/* poll(2), ppoll(2), select(2), pselect(2): which bits for which set, timeouts, bad descriptors. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sys/select.h>

static int fds[2];

static void *write_later(void *arg)
{
    (void)arg;
    sleep_ms(30);
    MUST(write(fds[1], "x", 1));
    return NULL;
}

int main(void)
{
    MUST(pipe(fds));
    struct pollfd p[4] = {{fds[0], POLLIN, 7}, {fds[1], POLLOUT, 7}, {-1, POLLIN, 7}, {99, POLLIN, 7}};
    SHOW(poll(p, 4, 0));
    for (int i = 0; i < 4; i++)
        printf("%x ", p[i].revents);
    printf("\n");
    long before = now_ms();
    SHOW(poll(p, 1, 25));
    CHECK(now_ms() - before >= 24);
    SHOW(poll(NULL, 0, 10));
    pthread_t thread;
    pthread_create(&thread, NULL, write_later, NULL);
    before = now_ms();
    SHOW(poll(p, 1, 2000));
    CHECK(now_ms() - before < 1500 && p[0].revents == POLLIN);
    pthread_join(thread, NULL);
    p[0].events = 0;
    SHOW(poll(p, 1, 0));
    p[0].events = POLLIN | POLLRDNORM;
    SHOW(poll(p, 1, 0));
    printf("%x\n", p[0].revents);
    p[1].events = POLLIN;
    SHOW(poll(p + 1, 1, 0));

    fd_set readable, writable, except;
    struct timeval none = {0, 0}, some = {0, 25000};
#define RESET()                                                                                \
    FD_ZERO(&readable);                                                                        \
    FD_ZERO(&writable);                                                                        \
    FD_ZERO(&except);                                                                          \
    FD_SET(fds[0], &readable);                                                                 \
    FD_SET(fds[0], &except);                                                                   \
    FD_SET(fds[1], &writable);                                                                 \
    FD_SET(fds[1], &readable)
    RESET();
    SHOW(select(fds[1] + 1, &readable, &writable, &except, &none));
    printf("%d %d %d %d\n", FD_ISSET(fds[0], &readable), FD_ISSET(fds[1], &readable),
           FD_ISSET(fds[1], &writable), FD_ISSET(fds[0], &except));
    char c;
    MUST(read(fds[0], &c, 1));
    FD_ZERO(&readable);
    FD_SET(fds[0], &readable);
    before = now_ms();
    SHOW(select(fds[0] + 1, &readable, NULL, NULL, &some));
    CHECK(now_ms() - before >= 24 && !FD_ISSET(fds[0], &readable));
    CHECK(some.tv_sec == 0 && some.tv_usec == 0);
    pthread_create(&thread, NULL, write_later, NULL);
    FD_SET(fds[0], &readable);
    some.tv_sec = 2;
    SHOW(select(fds[0] + 1, &readable, NULL, NULL, &some));
    CHECK(some.tv_sec == 1);
    pthread_join(thread, NULL);
    /* Descriptors beyond the table are ignored, and how large it is at first is the parent's doing:
     * only after this has it room for 99. */
    MUST(dup2(fds[0], 100));
    MUST(close(100));
    FD_ZERO(&readable);
    FD_SET(99, &readable);
    SHOW(select(100, &readable, NULL, NULL, &none));
    SHOW(select(-1, NULL, NULL, NULL, &none));
    some.tv_usec = -1;
    SHOW(select(0, NULL, NULL, NULL, &some));
    struct timespec timeout = {0, 10000000};
    SHOW(pselect(0, NULL, NULL, NULL, &timeout, NULL));
    SHOW(ppoll(p, 1, &timeout, NULL));
    timeout.tv_nsec = 1000000000;
    SHOW(ppoll(p, 1, &timeout, NULL));

    int null = open("/dev/null", O_RDWR), file = open("f", O_RDWR | O_CREAT, 0600);
    struct pollfd always[2] = {{null, POLLIN | POLLOUT, 0}, {file, POLLIN | POLLOUT, 0}};
    SHOW(poll(always, 2, 0));
    printf("%x %x\n", always[0].revents, always[1].revents);
    close(fds[1]);
    MUST(read(fds[0], &c, 1));
    SHOW(poll(p, 1, 0));
    printf("%x\n", p[0].revents);
    close(fds[0]);
    close(null);
    close(file);
    unlink("f");
    return 0;
}
