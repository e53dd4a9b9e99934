/* unix(7), socket(7): writers that wait for room, SO_SNDTIMEO and SO_RCVTIMEO, MSG_WAITALL, a full
 * backlog, and calls that end when the other side closes. */
#include "sockets.h"

static int end;
static long sum;

static void *reads_all(void *argument)
{
    static char text[5000];
    long got;
    sleep_ms(30);
    while ((got = read(end, text, sizeof text)) > 0)
        sum += got;
    return argument;
}

static void large_writes(int type, int size)
{
    static char text[1 << 20];
    int s[2], small = 5000;
    pthread_t reader;
    MUST(socketpair(AF_UNIX, type, 0, s));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small));
    end = s[1];
    sum = 0;
    pthread_create(&reader, NULL, reads_all, NULL);
    for (int sent = 0; sent < 1 << 20; sent += size)
        if (write(s[0], text, size) != size)
            printf("a short write\n");
    shutdown(s[0], SHUT_WR);
    pthread_join(reader, NULL);
    SHOW(sum);
    close(s[0]);
    close(s[1]);
}

static void timeouts(int type)
{
    int s[2], small = 4000;
    char text[1000] = {0};
    struct timeval t = {0, 50000};
    MUST(socketpair(AF_UNIX, type, 0, s));
    MUST(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
    MUST(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    MUST(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small));
    long start = now_ms();
    SHOW(recv(s[0], text, sizeof text, 0));
    CHECK(now_ms() - start >= 45);
    while (send(s[0], text, sizeof text, MSG_DONTWAIT) == sizeof text)
        ;
    start = now_ms();
    SHOW(send(s[0], text, sizeof text, 0));
    CHECK(now_ms() - start >= 45);
    close(s[0]);
    close(s[1]);
}

static void *closes_later(void *fd)
{
    sleep_ms(40);
    close(*(int *)fd);
    return fd;
}

static void *writes_in_parts(void *fd)
{
    for (int i = 0; i < 4; i++) {
        sleep_ms(10);
        MUST(write(*(int *)fd, "abcd", 4));
    }
    return fd;
}

static void ends(void)
{
    int s[2];
    char text[64];
    pthread_t thread;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    pthread_create(&thread, NULL, writes_in_parts, &s[0]);
    SHOW(recv(s[1], text, 10, MSG_WAITALL));
    pthread_join(thread, NULL);
    SHOW(recv(s[1], text, 10, MSG_DONTWAIT));
    pthread_create(&thread, NULL, closes_later, &s[0]);
    SHOW(recv(s[1], text, 10, 0));
    pthread_join(thread, NULL);
    close(s[1]);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    while (send(s[0], text, sizeof text, MSG_DONTWAIT) > 0)
        ;
    pthread_create(&thread, NULL, closes_later, &s[1]);
    SHOW(send(s[0], text, sizeof text, MSG_NOSIGNAL));
    pthread_join(thread, NULL);
    close(s[0]);
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
    pthread_create(&thread, NULL, closes_later, &s[0]);
    SHOW(poll(&(struct pollfd){s[1], POLLIN, 0}, 1, 5000));
    SHOW(recv(s[1], text, 10, 0));
    pthread_join(thread, NULL);
    close(s[1]);
}

static int server;
static void *accepts_later(void *none)
{
    sleep_ms(40);
    int fd = accept(server, NULL, NULL);
    MUST(fd);
    close(fd);
    return none;
}

static void backlog(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0backlog"};
    socklen_t length = sizeof(sa_family_t) + 8;
    int clients[5];
    pthread_t thread;
    server = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(bind(server, (struct sockaddr *)&a, length));
    MUST(listen(server, 1));
    for (int i = 0; i < 3; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        SHOW(connect(clients[i], (struct sockaddr *)&a, length));
    }
    SHOW(ready(server, POLLIN | POLLOUT, 0));
    struct timeval t = {0, 30000};
    clients[3] = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(setsockopt(clients[3], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
    SHOW(connect(clients[3], (struct sockaddr *)&a, length));
    pthread_create(&thread, NULL, accepts_later, NULL);
    clients[4] = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(connect(clients[4], (struct sockaddr *)&a, length));
    pthread_join(thread, NULL);
    SHOW(write(clients[4], "waits", 5));
    close(server); /* who was not accepted is told */
    char text[8];
    SHOW(read(clients[4], text, 8));
    SHOW(read(clients[4], text, 8));
    SHOW(read(clients[0], text, 8));
    SHOW(send(clients[1], "x", 1, MSG_NOSIGNAL));
    for (int i = 0; i < 5; i++)
        close(clients[i]);
}

static int shut;
static void *shuts_later(void *none)
{
    sleep_ms(40);
    shut = shutdown(server, SHUT_RD);
    return none;
}

static void shut_listener(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0shut"};
    socklen_t length = sizeof(sa_family_t) + 5;
    pthread_t thread;
    server = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    int client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    MUST(bind(server, (struct sockaddr *)&a, length));
    MUST(listen(server, 1));
    pthread_create(&thread, NULL, shuts_later, NULL);
    SHOW(accept(server, NULL, NULL));
    pthread_join(thread, NULL);
    SHOW(shut);
    SHOW(connect(client, (struct sockaddr *)&a, length));
    fcntl(server, F_SETFL, O_NONBLOCK);
    SHOW(accept(server, NULL, NULL));
    SHOW(ready(server, POLLIN | POLLRDHUP, 0));
    close(client);
    close(server);
}

int main(void)
{
    large_writes(SOCK_STREAM, 1 << 16);
    large_writes(SOCK_STREAM, 512);
    large_writes(SOCK_SEQPACKET, 4096);
    timeouts(SOCK_STREAM);
    timeouts(SOCK_SEQPACKET);
    timeouts(SOCK_DGRAM);
    ends();
    backlog();
    shut_listener();
    return 0;
}
