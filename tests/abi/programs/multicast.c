/* ip(7) IP_ADD_MEMBERSHIP, IP_MULTICAST_IF, ipv6(7): groups among programs of one machine, by `lo`. */
#include "sockets.h"

static int receiver(int port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    MUST(bind(fd, (struct sockaddr *)&a, sizeof a));
    return fd;
}

static long join(int fd, int option, const char *group, const char *interface)
{
    struct ip_mreq m = {{inet_addr(group)}, {inet_addr(interface)}};
    return setsockopt(fd, IPPROTO_IP, option, &m, sizeof m);
}

static void four(void)
{
    char text[8];
    int one = receiver(0), two = receiver(port_of(one)), from = socket(AF_INET, SOCK_DGRAM, 0), value;
    struct in_addr lo = {htonl(INADDR_LOOPBACK)}, got = {77};
    socklen_t length = sizeof got;
    SHOW(join(one, IP_ADD_MEMBERSHIP, "239.1.2.3", "127.0.0.1"));
    SHOW(join(one, IP_ADD_MEMBERSHIP, "239.1.2.3", "127.0.0.1"));
    SHOW(join(one, IP_ADD_MEMBERSHIP, "10.1.2.3", "127.0.0.1"));
    SHOW(join(one, IP_ADD_MEMBERSHIP, "239.1.2.3", "203.0.113.9"));
    SHOW(setsockopt(one, IPPROTO_IP, IP_ADD_MEMBERSHIP, &lo, 4));
    struct ip_mreqn by_number = {{inet_addr("239.1.2.4")}, {0}, 1};
    SHOW(setsockopt(two, IPPROTO_IP, IP_ADD_MEMBERSHIP, &by_number, sizeof by_number));
    by_number.imr_ifindex = 999;
    SHOW(setsockopt(two, IPPROTO_IP, IP_ADD_MEMBERSHIP, &by_number, sizeof by_number));
    SHOW(getsockopt(from, IPPROTO_IP, IP_MULTICAST_IF, &got, &length));
    printf("%x, %d\n", got.s_addr, (int)length);
    SHOW(setsockopt(from, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof lo));
    SHOW(getsockopt(from, IPPROTO_IP, IP_MULTICAST_IF, &got, &length));
    printf("%x\n", ntohl(got.s_addr));
    value = 0;
    MUST(setsockopt(two, IPPROTO_IP, IP_MULTICAST_ALL, &value, sizeof value));
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port_of(one))}, source;
    to.sin_addr.s_addr = inet_addr("239.1.2.3");
    SHOW(sendto(from, "three", 5, 0, (struct sockaddr *)&to, sizeof to));
    length = sizeof source;
    SHOW(recvfrom(one, text, 8, 0, (struct sockaddr *)&source, &length));
    CHECK(source.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    SHOW(recv(two, text, 8, 0));
    to.sin_addr.s_addr = inet_addr("239.1.2.4");
    SHOW(sendto(from, "four", 4, 0, (struct sockaddr *)&to, sizeof to));
    SHOW(recv(one, text, 8, 0)); /* IP_MULTICAST_ALL: somebody has joined */
    SHOW(recv(two, text, 8, 0));
    to.sin_addr.s_addr = inet_addr("239.1.2.5");
    SHOW(sendto(from, "none", 4, 0, (struct sockaddr *)&to, sizeof to));
    SHOW(recv(one, text, 8, 0));
    SHOW(join(one, IP_DROP_MEMBERSHIP, "239.1.2.3", "127.0.0.1"));
    SHOW(join(one, IP_DROP_MEMBERSHIP, "239.1.2.3", "127.0.0.1"));
    to.sin_addr.s_addr = inet_addr("239.1.2.3");
    SHOW(sendto(from, "left", 4, 0, (struct sockaddr *)&to, sizeof to));
    SHOW(recv(one, text, 8, 0));
    close(one);
    close(two);
    close(from);
}

/* Whether a datagram to a group of IPv6 goes by `lo` is a matter of the machine's routes. */
static void six(void)
{
    int to = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0), lo = 1, none = 999, got = 7;
    struct ipv6_mreq m = {.ipv6mr_interface = 1};
    socklen_t length = sizeof got;
    inet_pton(AF_INET6, "ff05::1234", &m.ipv6mr_multiaddr);
    SHOW(setsockopt(to, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, sizeof m));
    SHOW(setsockopt(to, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, sizeof m));
    SHOW(setsockopt(to, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, 8));
    SHOW(setsockopt(to, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &m, sizeof m));
    SHOW(setsockopt(to, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &m, sizeof m));
    SHOW(setsockopt(to, IPPROTO_IPV6, IPV6_MULTICAST_IF, &none, sizeof none));
    SHOW(setsockopt(to, IPPROTO_IPV6, IPV6_MULTICAST_IF, &lo, sizeof lo));
    SHOW(getsockopt(to, IPPROTO_IPV6, IPV6_MULTICAST_IF, &got, &length));
    SHOW(got);
    m.ipv6mr_interface = 999;
    SHOW(setsockopt(to, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, sizeof m));
    close(to);
}

int main(void)
{
    four();
    six();
    return 0;
}
