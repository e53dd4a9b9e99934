/* epoll(7) as servers use it: a listener, edges and half-closes of connections, from another thread. */
#include "sockets.h"
#include <sys/epoll.h>

static int e;

static int add(int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.fd = fd}};
    return epoll_ctl(e, EPOLL_CTL_ADD, fd, &event);
}

static long next(int timeout_ms)
{
    struct epoll_event event = {0};
    int got = epoll_wait(e, &event, 1, timeout_ms);
    return got == 1 ? (long)event.events : got;
}

static void *echo(void *listening)
{
    char text[64];
    int fd = accept((int)(long)listening, NULL, NULL);
    long got;
    while ((got = read(fd, text, sizeof text)) > 0)
        if (write(fd, text, got) != got)
            break;
    close(fd);
    return NULL;
}

int main(void)
{
    int s[2], listening = listener(5);
    char text[64];
    e = epoll_create1(0);
    SHOW(add(listening, EPOLLIN | EPOLLET));
    SHOW(next(0));
    s[0] = connected(listening);
    SHOW(next(2000));
    SHOW(next(0));
    s[1] = accept(listening, NULL, NULL);
    SHOW(add(s[1], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET));
    SHOW(next(2000));
    SHOW(next(0));
    SHOW(write(s[0], "request", 7));
    SHOW(next(2000));
    SHOW(next(0));
    SHOW(read(s[1], text, sizeof text));
    SHOW(write(s[0], "another", 7));
    SHOW(next(2000));
    SHOW(shutdown(s[0], SHUT_WR));
    SHOW(next(2000));
    SHOW(read(s[1], text, sizeof text));
    SHOW(read(s[1], text, sizeof text));
    SHOW(shutdown(s[1], SHUT_WR));
    SHOW(next(2000) & EPOLLHUP);
    close(s[1]);
    SHOW(next(0));
    close(s[0]);

    pthread_t thread;
    pthread_create(&thread, NULL, echo, (void *)(long)listening);
    int fd = connected(listening), right = 0;
    SHOW(add(fd, EPOLLIN));
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "message %d", i);
        long length = (long)strlen(text), got = 0;
        MUST(write(fd, text, length));
        while (got < length && (next(2000) & EPOLLIN))
            got += read(fd, text + got, length - got);
        right += got == length && atoi(text + 8) == i;
    }
    SHOW(right);
    close(fd);
    pthread_join(thread, NULL);
    close(listening);
    close(e);
    return 0;
}
