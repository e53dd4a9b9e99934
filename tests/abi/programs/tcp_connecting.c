/* tcp(7), connect(2), accept(2), bind(2), listen(2): names of both ends, refusals, addresses in use,
 * connecting without blocking, the backlog, what a socket in the wrong state says. */
#include "sockets.h"

static struct sockaddr *any(void *address) { return address; }

static void refused(void)
{
    int listening = listener(1), fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(port_of(listening));
    close(listening);
    SHOW(connect(fd, any(&address), sizeof address));
    SHOW(error_of(fd));
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int result = connect(fd, any(&address), sizeof address);
    CHECK(result == -1 && (errno == EINPROGRESS || errno == ECONNREFUSED));
    CHECK((ready(fd, POLLOUT, 2000) & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP));
    int error = error_of(fd);
    CHECK(error == ECONNREFUSED || errno == ECONNREFUSED);
    SHOW(error_of(fd));
    close(fd);
}

/* The error of a refusal is told once, to whoever asks first; connect(2) then knows no reason. */
static void again(void)
{
    int listening = listener(1), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = loopback(port_of(listening)), peer;
    socklen_t length = sizeof peer;
    char byte;
    close(listening);
    SHOW(connect(fd, any(&address), sizeof address));
    CHECK((ready(fd, POLLOUT, 2000) & POLLERR) == POLLERR);
    SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
    SHOW(error_of(fd));
    SHOW(connect(fd, any(&address), sizeof address));
    SHOW(ready(fd, POLLIN | POLLOUT, 0));
    SHOW(recv(fd, &byte, 1, 0));
    SHOW(getpeername(fd, any(&peer), &length));
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(fd, any(&address), sizeof address));
    CHECK((ready(fd, POLLOUT, 2000) & POLLERR) == POLLERR);
    SHOW(recv(fd, &byte, 1, 0));
    SHOW(connect(fd, any(&address), sizeof address));
    close(fd);
}

static void without_blocking(void)
{
    int listening = listener(5), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(port_of(listening)), peer;
    socklen_t length = sizeof peer;
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(listening, F_SETFL, O_NONBLOCK));
    SHOW(accept(listening, NULL, NULL));
    SHOW(connect(fd, any(&address), sizeof address));
    SHOW(ready(fd, POLLOUT, 2000));
    SHOW(error_of(fd));
    SHOW(connect(fd, any(&address), sizeof address));
    SHOW(connect(fd, any(&address), sizeof address));
    SHOW(ready(listening, POLLIN | POLLOUT, 2000));
    int got = accept4(listening, any(&peer), &length, SOCK_CLOEXEC);
    CHECK(got >= 0);
    SHOW(fcntl(got, F_GETFD));
    SHOW(fcntl(got, F_GETFL) & O_NONBLOCK);
    CHECK(length == sizeof peer && peer.sin_family == AF_INET && ntohs(peer.sin_port) == port_of(fd));
    length = sizeof peer;
    SHOW(getpeername(fd, any(&peer), &length));
    CHECK(ntohs(peer.sin_port) == port_of(listening) && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    length = 4;
    SHOW(getsockname(fd, any(&peer), &length));
    SHOW(length);
    length = sizeof peer;
    SHOW(getpeername(listening, any(&peer), &length));
    SHOW(accept4(listening, NULL, NULL, 0x1));
    SHOW(accept(got, NULL, NULL));
    SHOW(listen(got, 1));
    SHOW(ready(listening, POLLIN, 0));
    SHOW(accept(listening, NULL, NULL));
    close(got);
    close(fd);
    close(listening);
}

static void names(void)
{
    int listening = listener(5), on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(port_of(listening));
    SHOW(bind(fd, any(&address), sizeof address));
    SHOW(bind(listening, any(&address), sizeof address));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    SHOW(bind(fd, any(&address), sizeof address));
    address.sin_port = 0;
    SHOW(bind(fd, any(&address), 4));
    address.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1: nobody's */
    SHOW(bind(fd, any(&address), sizeof address));
    on = 1;
    SHOW(setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    int accepted, client = connected(listening), port = port_of(listening);
    accepted = accept(listening, NULL, NULL);
    close(listening);
    close(accepted); /* this side closes first: TIME_WAIT holds the port */
    CHECK(read(client, &on, 1) == 0);
    close(client);
    address = loopback(port);
    on = 1;
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    SHOW(bind(fd, any(&address), sizeof address));
    SHOW(listen(fd, 1));
    close(fd);
}

int main(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte = 0;
    signal(SIGPIPE, SIG_IGN);
    SHOW(ready(fd, POLLIN | POLLOUT, 0));
    SHOW(read(fd, &byte, 1));
    SHOW(write(fd, &byte, 1));
    SHOW(accept(fd, NULL, NULL));
    SHOW(shutdown(fd, SHUT_WR));
    SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    SHOW(socket(AF_INET, 77, 0));
    SHOW(socket(AF_INET, 0, 0));
    SHOW(socket(AF_INET, 6, 33)); /* SOCK_DCCP, IPPROTO_DCCP */
    SHOW(socket(AF_INET6, 9, 0));
    SHOW(socket(AF_INET, 11, 0));
    SHOW(socket(12345, SOCK_STREAM, 0));
    SHOW(bind(99, NULL, 0));
    SHOW(listen(1, 1));
    SHOW(connect(fd, NULL, 16));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(pread(fd, &byte, 1, 0));
    close(fd);
    refused();
    again();
    without_blocking();
    names();
    return 0;
}
