/* What the socket programs share: loopback addresses, connected pairs, readiness. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include "check.h"
#include <stddef.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static inline struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static inline int port_of(int fd)
{
    struct sockaddr_in6 address;
    socklen_t length = sizeof address;
    MUST(getsockname(fd, (struct sockaddr *)&address, &length));
    return ntohs(address.sin6_port);
}

/* A TCP socket that listens on a free port of 127.0.0.1. */
static inline int listener(int backlog)
{
    struct sockaddr_in address = loopback(0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    MUST(fd);
    MUST(bind(fd, (struct sockaddr *)&address, sizeof address));
    MUST(listen(fd, backlog));
    return fd;
}

static inline int connected(int listening)
{
    struct sockaddr_in address = loopback(port_of(listening));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    MUST(fd);
    MUST(connect(fd, (struct sockaddr *)&address, sizeof address));
    return fd;
}

/* Both ends of a TCP connection. */
static inline void tcp_pair(int pair[2])
{
    int listening = listener(5);
    pair[0] = connected(listening);
    pair[1] = accept(listening, NULL, NULL);
    MUST(pair[1]);
    close(listening);
}

static inline int ready(int fd, int events, int timeout_ms)
{
    struct pollfd p = {fd, events, 0};
    return poll(&p, 1, timeout_ms) < 0 ? -1 : p.revents;
}

static inline int error_of(int fd)
{
    int error = -1;
    socklen_t length = sizeof error;
    MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
    return error;
}

#endif
