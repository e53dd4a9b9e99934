/* shutdown(2), SO_LINGER (socket(7)), poll(2) on TCP: half-closed both ways, resets, EPIPE and SIGPIPE. */
#include "sockets.h"

static volatile int pipes;
static const int all = POLLIN | POLLOUT | POLLRDHUP;

static void on_pipe(int signal)
{
    (void)signal;
    pipes++;
}

static void half(void)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    int s[2];
    char text[16];
    tcp_pair(s);
    SHOW(ready(s[0], all, 0));
    SHOW(write(s[0], "last", 4));
    SHOW(shutdown(s[0], SHUT_WR));
    SHOW(ready(s[1], POLLRDHUP, 2000));
    SHOW(ready(s[1], all, 0));
    SHOW(read(s[1], text, sizeof text));
    SHOW(read(s[1], text, sizeof text));
    SHOW(read(s[1], text, sizeof text));
    SHOW(ready(s[0], all, 0));
    SHOW(write(s[1], "answer", 6));
    SHOW(ready(s[0], POLLIN, 2000));
    SHOW(read(s[0], text, sizeof text));
    SHOW(write(s[0], "x", 1));
    SHOW(pipes);
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(pipes);
    SHOW(shutdown(s[1], SHUT_WR));
    SHOW(ready(s[0], POLLIN, 2000));
    SHOW(ready(s[0], all, 0));
    SHOW(read(s[0], text, sizeof text));
    SHOW(ready(s[1], 0, 2000));
    SHOW(getpeername(s[0], (void *)&peer, &length)); /* nobody is there any more */
    SHOW(shutdown(s[0], 77));
    close(s[0]);
    close(s[1]);
}

static void reset(void)
{
    int s[2];
    char text[16];
    struct linger at_once = {1, 0};
    tcp_pair(s);
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
    close(s[0]);
    SHOW(ready(s[1], POLLIN, 2000) & (POLLIN | POLLERR | POLLHUP));
    SHOW(read(s[1], text, sizeof text));
    SHOW(read(s[1], text, sizeof text));
    SHOW(write(s[1], "x", 1));
    close(s[1]);

    tcp_pair(s); /* closed with bytes unread: a reset too */
    SHOW(write(s[0], "unread", 6));
    SHOW(ready(s[1], POLLIN, 2000));
    close(s[1]);
    CHECK(ready(s[0], POLLIN, 2000) & POLLERR);
    SHOW(error_of(s[0]));
    SHOW(error_of(s[0]));
    SHOW(read(s[0], text, sizeof text));
    close(s[0]);
}

static void reading_shut(void)
{
    int s[2];
    char text[16];
    tcp_pair(s);
    SHOW(shutdown(s[0], SHUT_RD));
    SHOW(ready(s[0], all, 0));
    SHOW(read(s[0], text, sizeof text));
    SHOW(shutdown(s[1], SHUT_RDWR));
    SHOW(shutdown(s[0], SHUT_RDWR));
    sleep_ms(20);
    SHOW(ready(s[0], all, 0));
    close(s[0]);
    close(s[1]);
}

static void *read_byte(void *fd)
{
    char byte;
    return (void *)read((int)(long)fd, &byte, 1);
}

static void woken(void)
{
    int s[2];
    pthread_t thread;
    void *result;
    tcp_pair(s);
    pthread_create(&thread, NULL, read_byte, (void *)(long)s[0]);
    sleep_ms(20);
    close(s[1]);
    pthread_join(thread, &result);
    SHOW(result);
    close(s[0]);
    tcp_pair(s);
    pthread_create(&thread, NULL, read_byte, (void *)(long)s[0]);
    sleep_ms(20);
    shutdown(s[0], SHUT_RD);
    pthread_join(thread, &result);
    SHOW(result);
    close(s[0]);
    close(s[1]);
}

int main(void)
{
    signal(SIGPIPE, on_pipe);
    half();
    reset();
    reading_shut();
    woken();
    return 0;
}
