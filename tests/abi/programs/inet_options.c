/* ip(7), ipv6(7), tcp(7), socket(7): defaults, what may be set, and what is told afterwards, of the options
 * servers set. */
#include "sockets.h"
#include <netinet/udp.h>

static int fd;

static void row(int level, int option, const char *what, int count, const int *values)
{
    int value = -7;
    socklen_t length = sizeof value;
    long got = getsockopt(fd, level, option, &value, &length);
    printf("%s: ", what);
    if (got)
        printf("%s", strerrorname_np(errno));
    else
        printf("%d (%d)", value, (int)length);
    for (int i = 0; i < count; i++) {
        long set = setsockopt(fd, level, option, &values[i], sizeof(int));
        printf(", %d %s", values[i], set ? strerrorname_np(errno) : "set");
        length = sizeof value;
        value = -7;
        if (!getsockopt(fd, level, option, &value, &length))
            printf(" is %d", value);
    }
    printf("\n");
}

#define ROW(level, option, ...)                                                                    \
    row(level, option, #option, sizeof((int[]){__VA_ARGS__}) / sizeof(int), (int[]){__VA_ARGS__})

static void of_every_socket(void)
{
    ROW(SOL_SOCKET, SO_REUSEADDR, 2, 0);
    ROW(SOL_SOCKET, SO_KEEPALIVE, 1, 0);
    ROW(SOL_SOCKET, SO_BROADCAST, 3);
    ROW(SOL_SOCKET, SO_DONTROUTE, 1, 0);
    ROW(SOL_SOCKET, SO_OOBINLINE, 1, 0);
    ROW(SOL_SOCKET, SO_PRIORITY, 3, 0);
    ROW(SOL_SOCKET, SO_RCVLOWAT, 100, 0);
    ROW(SOL_SOCKET, SO_SNDLOWAT, 1);
    ROW(SOL_SOCKET, SO_MARK, 5, 0);
    ROW(SOL_SOCKET, SO_BUSY_POLL, 0, -1);
    ROW(SOL_SOCKET, SO_INCOMING_CPU, 0);
    ROW(SOL_SOCKET, SO_SNDBUF, 1, 10000);
    ROW(SOL_SOCKET, SO_RCVBUF, 1, 10000);
    ROW(SOL_SOCKET, SO_SNDBUFFORCE, 9000);
    ROW(SOL_SOCKET, SO_SNDBUF);
    ROW(SOL_SOCKET, SO_TIMESTAMP, 1);
    ROW(SOL_SOCKET, SO_TIMESTAMPNS, 1);
    ROW(SOL_SOCKET, SO_TIMESTAMP, 0);
    ROW(SOL_SOCKET, SO_ERROR, 1);
    ROW(SOL_SOCKET, SO_TYPE, 1);
    ROW(SOL_SOCKET, SO_PROTOCOL, 1);
    ROW(SOL_SOCKET, SO_DOMAIN, 1);
    ROW(SOL_SOCKET, SO_ACCEPTCONN, 1);
    ROW(SOL_SOCKET, 250, 1);
}

static void of_ip(void)
{
    ROW(IPPROTO_IP, IP_TOS, 16, 0);
    ROW(IPPROTO_IP, IP_TTL, 10, 0, 256, -1);
    ROW(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, 9, IP_PMTUDISC_DONT);
    ROW(IPPROTO_IP, IP_PKTINFO, 5, 0);
    ROW(IPPROTO_IP, IP_RECVTTL, 1, 0);
    ROW(IPPROTO_IP, IP_RECVTOS, 1, 0);
    ROW(IPPROTO_IP, IP_RECVERR, 1, 0);
    ROW(IPPROTO_IP, IP_FREEBIND, 1, 0);
    ROW(IPPROTO_IP, IP_TRANSPARENT, 1, 0);
    ROW(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, 0);
    ROW(IPPROTO_IP, IP_MINTTL, 3, 256, 0);
    ROW(IPPROTO_IP, IP_MULTICAST_ALL, 0, 2, 1);
    ROW(IPPROTO_IP, IP_MULTICAST_LOOP, 0, 1);
    ROW(IPPROTO_IP, 240, 1);
    unsigned char byte = 8, back[4] = {9, 9, 9, 9};
    socklen_t length = 1;
    SHOW(setsockopt(fd, IPPROTO_IP, IP_TOS, &byte, 1));
    SHOW(getsockopt(fd, IPPROTO_IP, IP_TOS, back, &length));
    printf("%d bytes, %d %d\n", (int)length, back[0], back[1]);
    length = 0;
    SHOW(getsockopt(fd, IPPROTO_IP, IP_TOS, back, &length));
    SHOW(length);
}

static void of_ipv6(void)
{
    ROW(IPPROTO_IPV6, IPV6_V6ONLY, 1, 0);
    ROW(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 10, 0, 256, -1);
    ROW(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, 2, 1);
    ROW(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, 0);
    ROW(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, 0);
    ROW(IPPROTO_IPV6, IPV6_RECVTCLASS, 1, 0);
    ROW(IPPROTO_IPV6, IPV6_TCLASS, 16, 256, -1);
    ROW(IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, 9, IPV6_PMTUDISC_DONT);
    ROW(IPPROTO_IPV6, IPV6_RECVERR, 1, 0);
    ROW(IPPROTO_IPV6, IPV6_FREEBIND, 1, 0);
    ROW(IPPROTO_IPV6, IPV6_DONTFRAG, 1, 0);
}

static void of_tcp(void)
{
    ROW(IPPROTO_TCP, TCP_NODELAY, 1, 0);
    ROW(IPPROTO_TCP, TCP_CORK, 1, 0);
    ROW(IPPROTO_TCP, TCP_KEEPIDLE, 10, 0, 32767, 32768);
    ROW(IPPROTO_TCP, TCP_KEEPINTVL, 10, 0, 32767, 32768);
    ROW(IPPROTO_TCP, TCP_KEEPCNT, 3, 0, 127, 128);
    ROW(IPPROTO_TCP, TCP_SYNCNT, 3, 0, 128);
    ROW(IPPROTO_TCP, TCP_USER_TIMEOUT, 5000, -1, 0);
    ROW(IPPROTO_TCP, TCP_DEFER_ACCEPT, 1, 5, 30, 0);
    ROW(IPPROTO_TCP, TCP_FASTOPEN, 16, -1);
    ROW(IPPROTO_TCP, TCP_QUICKACK, 0, 1);
    ROW(IPPROTO_TCP, TCP_LINGER2, 10);
    ROW(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384);
    ROW(IPPROTO_TCP, TCP_MAXSEG, 1000, 10, 40000);
    ROW(IPPROTO_TCP, 240, 1);
}

static void of_others(void)
{
    char name[32] = {0};
    socklen_t length = sizeof name;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length));
    SHOW(length);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "none such", 9));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
    length = sizeof name;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length));
    printf("%d %s\n", (int)length, name);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
    struct linger l = {1, 7};
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
    l.l_linger = 0;
    length = sizeof l;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &length));
    printf("%d %d %d\n", (int)length, l.l_onoff, l.l_linger);
}

/* An address that is not this machine's (RFC 5737). */
static void foreign_address(int type)
{
    struct sockaddr_in a = loopback(0);
    int on = 1;
    a.sin_addr.s_addr = inet_addr("203.0.113.5");
    fd = socket(AF_INET, type, 0);
    SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
    SHOW(setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on));
    SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
    close(fd);
}

int main(void)
{
    foreign_address(SOCK_STREAM);
    foreign_address(SOCK_DGRAM);
    printf("-- TCP\n");
    fd = socket(AF_INET, SOCK_STREAM, 0);
    of_every_socket();
    of_ip();
    of_tcp();
    of_ipv6();
    of_others();
    close(fd);
    printf("-- UDP\n");
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    of_every_socket();
    of_ip();
    ROW(IPPROTO_IP, IP_MULTICAST_TTL, 4, 256, -1);
    ROW(IPPROTO_TCP, TCP_NODELAY, 1);
    of_others();
    close(fd);
    printf("-- IPv6\n");
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    of_ipv6();
    ROW(IPPROTO_IP, IP_TOS, 4);
    ROW(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 4, 256, -1);
    close(fd);
    printf("-- unix\n");
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ROW(SOL_SOCKET, SO_SNDBUF, 1, 10000);
    ROW(SOL_SOCKET, SO_PASSCRED, 2, 0);
    ROW(SOL_SOCKET, SO_KEEPALIVE, 1);
    ROW(SOL_SOCKET, SO_DOMAIN, 1);
    ROW(IPPROTO_TCP, TCP_NODELAY, 1);
    ROW(IPPROTO_IP, IP_TOS, 1);
    close(fd);
    return 0;
}
