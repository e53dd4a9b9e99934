/* socket(7), SO_REUSEADDR; bind(2), EADDRINUSE; capabilities(7), CAP_NET_ADMIN: a port with a
 * connection on it, or one that this side closed first, is in use but for who reuses addresses. */
#include "sockets.h"

static int bound(int port, int reuses)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0), result;
    MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuses, sizeof reuses));
    result = bind(fd, (struct sockaddr *)&address, sizeof address);
    if (result == 0)
        result = listen(fd, 1);
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

/* What binding says while a connection of `listening` lives, and in its TIME_WAIT. */
static void port_of_connection(int listening)
{
    int port = port_of(listening), client = connected(listening);
    int accepted = accept(listening, NULL, NULL);
    char byte;
    close(listening);
    SHOW(bound(port, 0));
    SHOW(bound(port, 1));
    shutdown(accepted, SHUT_WR);
    CHECK(read(client, &byte, 1) == 0);
    close(client);
    CHECK(read(accepted, &byte, 1) == 0);
    close(accepted);
    SHOW(bound(port, 0));
    SHOW(bound(port, 1));
}

int main(void)
{
    int listening = listener(4), on = 1, large = 1 << 22;
    port_of_connection(listening);
    listening = listener(4);
    MUST(setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    port_of_connection(listening); /* what was accepted reuses as its listener does */
    listening = listener(4);
    int port = port_of(listening), client = connected(listening);
    char byte;
    int accepted = accept(listening, NULL, NULL);
    close(listening);
    close(client); /* the other side first: nothing waits here */
    CHECK(read(accepted, &byte, 1) == 0);
    close(accepted);
    sleep_ms(20);
    SHOW(bound(port, 0));

    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(port), any = loopback(0);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == -1 && errno == ECONNREFUSED);
    SHOW(bind(fd, (struct sockaddr *)&any, sizeof any)); /* connect(2) gave its port back */
    SHOW(listen(fd, 1));
    close(fd);

    fd = socket(AF_INET, SOCK_STREAM, 0);
    MUST(setuid(1000));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_MARK, &on, sizeof on));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_MARK, &on, 1));
    close(fd);
    return 0;
}
