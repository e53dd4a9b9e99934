/* ipv6(7): the loopback address, IPv4 peers of an IPv6 listener, IPV6_V6ONLY. */
#include "sockets.h"

static struct sockaddr *any(void *address) { return address; }

static struct sockaddr_in6 address6(struct in6_addr where, int port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = where};
    return address;
}

static void mapped(void)
{
    struct sockaddr_in6 address = address6(in6addr_any, 0), peer;
    socklen_t length = sizeof peer;
    char text[64] = {0};
    int fd = socket(AF_INET6, SOCK_STREAM, 0), off = 0;
    SHOW(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off));
    SHOW(bind(fd, any(&address), sizeof address));
    SHOW(listen(fd, 5));
    struct sockaddr_in four = loopback(port_of(fd));
    int client = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(client, any(&four), sizeof four));
    int got = accept(fd, any(&peer), &length);
    CHECK(got >= 0);
    SHOW(length);
    printf("%s\n", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof text));
    length = sizeof peer;
    SHOW(getsockname(got, any(&peer), &length));
    printf("%s\n", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof text));
    SHOW(write(got, "hello", 5));
    SHOW(recv(client, text, 5, MSG_WAITALL));
    close(got);
    close(client);
    close(fd);
}

static void only_six(void)
{
    struct sockaddr_in6 address = address6(in6addr_any, 0);
    int fd = socket(AF_INET6, SOCK_STREAM, 0), on = 1;
    socklen_t length = sizeof on;
    SHOW(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    on = 9;
    SHOW(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, &length));
    SHOW(on);
    SHOW(bind(fd, any(&address), sizeof address));
    SHOW(listen(fd, 5));
    struct sockaddr_in four = loopback(port_of(fd));
    int client = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(client, any(&four), sizeof four));
    SHOW(bind(other, any(&four), sizeof four));
    close(other);
    close(client);
    close(fd);
}

int main(void)
{
    struct sockaddr_in6 address = address6(in6addr_loopback, 0), peer;
    socklen_t length = sizeof peer;
    char text[64] = {0};
    int fd = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET6, SOCK_STREAM, 0);
    if (bind(fd, any(&address), sizeof address) != 0) {
        printf("bind to ::1: %s\n", strerrorname_np(errno));
        return 1;
    }
    SHOW(listen(fd, 5));
    address.sin6_port = htons(port_of(fd));
    SHOW(connect(client, any(&address), sizeof address));
    int got = accept(fd, any(&peer), &length);
    CHECK(got >= 0);
    printf("%s\n", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof text));
    CHECK(ntohs(peer.sin6_port) == port_of(client));
    SHOW(write(client, "over six", 8));
    SHOW(recv(got, text, 8, MSG_WAITALL));
    close(client);
    close(got);
    close(fd);
    int u = socket(AF_INET6, SOCK_DGRAM, 0), v = socket(AF_INET6, SOCK_DGRAM, 0);
    address = address6(in6addr_loopback, 0);
    SHOW(bind(u, any(&address), sizeof address));
    address.sin6_port = htons(port_of(u));
    SHOW(sendto(v, "datagram", 8, 0, any(&address), sizeof address));
    length = sizeof peer;
    SHOW(recvfrom(u, text, sizeof text, 0, any(&peer), &length));
    CHECK(peer.sin6_family == AF_INET6 && ntohs(peer.sin6_port) == port_of(v));
    close(u);
    close(v);
    mapped();
    only_six();
    return 0;
}
