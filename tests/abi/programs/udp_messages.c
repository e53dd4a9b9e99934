/* udp(7), ip(7), recvmmsg(2), sendmmsg(2): what comes with a datagram (TTL, address, time), connecting again
 * and dissolving, batches, large datagrams, errors that are told later. */
#include "sockets.h"

static int udp(int family, int port)
{
    int fd = socket(family, SOCK_DGRAM, 0);
    struct sockaddr_in a = loopback(port);
    if (family == AF_INET)
        MUST(bind(fd, (struct sockaddr *)&a, sizeof a));
    return fd;
}

static void on(int fd, int level, int option)
{
    int one = 1;
    MUST(setsockopt(fd, level, option, &one, sizeof one));
}

static void take(int fd, int room)
{
    char control[256], text[64];
    struct iovec one = {text, sizeof text};
    struct msghdr m = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
    long got = recvmsg(fd, &m, MSG_DONTWAIT);
    printf("%ld bytes, flags %x:", got, m.msg_flags);
    if (got >= 0)
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
            printf(" level %d type %d length %d", c->cmsg_level, c->cmsg_type, (int)c->cmsg_len);
            int *number = (int *)CMSG_DATA(c);
            if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)
                printf(" ttl %d", *number);
            if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)
                printf(" hop limit %d", *number);
            if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
                printf(" tos %x", *CMSG_DATA(c));
            if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
                printf(" class %x", *number);
            if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
                printf(" on %d to %x %x", number[0], ntohl(number[1]), ntohl(number[2]));
            if (c->cmsg_level == SOL_SOCKET) {
                struct timespec t;
                clock_gettime(CLOCK_REALTIME, &t);
                long *time = (long *)CMSG_DATA(c);
                printf(" just now %d", t.tv_sec - time[0] <= 1 && t.tv_sec >= time[0]);
            }
        }
    printf("\n");
}

static void beside(void)
{
    int to = udp(AF_INET, 0), from = udp(AF_INET, 0), ttl = 9;
    struct sockaddr_in a = loopback(port_of(to));
    on(to, IPPROTO_IP, IP_RECVTTL);
    on(to, IPPROTO_IP, IP_PKTINFO);
    on(to, SOL_SOCKET, SO_TIMESTAMP);
    SHOW(sendto(from, "x", 1, MSG_CONFIRM, (struct sockaddr *)&a, sizeof a));
    take(to, 256);
    on(to, SOL_SOCKET, SO_TIMESTAMPNS);
    SHOW(setsockopt(from, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl));
    SHOW(sendto(from, "xy", 2, 0, (struct sockaddr *)&a, sizeof a));
    take(to, 256);
    SHOW(sendto(from, "xyz", 3, 0, (struct sockaddr *)&a, sizeof a));
    take(to, 40);
    close(to);
    close(from);
}

static void again(void)
{
    int one = udp(AF_INET, 0), two = udp(AF_INET, 0), fd = udp(AF_INET, 0);
    struct sockaddr_in to_one = loopback(port_of(one)), to_two = loopback(port_of(two)), self = loopback(port_of(fd));
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    char text[8];
    SHOW(send(fd, "x", 1, 0));
    SHOW(connect(fd, (struct sockaddr *)&to_one, sizeof to_one));
    SHOW(send(fd, "a", 1, 0));
    SHOW(recv(one, text, 8, MSG_DONTWAIT));
    SHOW(sendto(two, "stranger", 8, 0, (struct sockaddr *)&self, sizeof self));
    SHOW(recv(fd, text, 8, MSG_DONTWAIT));
    SHOW(connect(fd, (struct sockaddr *)&to_two, sizeof to_two));
    SHOW(sendto(fd, "b", 1, 0, (struct sockaddr *)&to_one, sizeof to_one));
    SHOW(recv(one, text, 8, MSG_DONTWAIT));
    SHOW(connect(fd, &none, sizeof none));
    SHOW(getpeername(fd, &none, &(socklen_t){sizeof none}));
    SHOW(send(fd, "x", 1, 0));
    SHOW(sendto(two, "anybody", 7, 0, (struct sockaddr *)&self, sizeof self));
    SHOW(recv(fd, text, 8, MSG_DONTWAIT));
    close(two);
    SHOW(sendto(fd, "c", 1, 0, (struct sockaddr *)&to_two, sizeof to_two));
    SHOW(recv(fd, text, 8, MSG_DONTWAIT)); /* unconnected: not told */
    SHOW(connect(fd, (struct sockaddr *)&to_two, sizeof to_two));
    SHOW(send(fd, "d", 1, 0));
    SHOW(ready(fd, POLLIN | POLLOUT, 0));
    SHOW(recv(fd, text, 8, MSG_DONTWAIT));
    SHOW(recv(fd, text, 8, MSG_DONTWAIT));
    SHOW(shutdown(fd, SHUT_RD));
    SHOW(recv(fd, text, 8, MSG_DONTWAIT));
    SHOW(recv(fd, text, 8, 0));
    SHOW(shutdown(fd, SHUT_WR));
    SHOW(send(fd, "d", 1, MSG_NOSIGNAL));
    close(fd);
    close(one);
}

static void batches(void)
{
    int to = udp(AF_INET, 0), from = udp(AF_INET, 0);
    struct sockaddr_in a = loopback(port_of(to)), got[6];
    char text[6][8];
    struct iovec out[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}}, in[6];
    struct mmsghdr send[3] = {0}, take[6] = {0};
    for (int i = 0; i < 3; i++)
        send[i].msg_hdr = (struct msghdr){.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &out[i], .msg_iovlen = 1};
    for (int i = 0; i < 6; i++) {
        in[i] = (struct iovec){text[i], i == 1 ? 1 : 8};
        take[i].msg_hdr = (struct msghdr){.msg_name = &got[i], .msg_namelen = sizeof got[i], .msg_iov = &in[i], .msg_iovlen = 1};
    }
    SHOW(sendmmsg(from, send, 3, 0));
    printf("%u %u %u\n", send[0].msg_len, send[1].msg_len, send[2].msg_len);
    SHOW(recvmmsg(to, take, 6, MSG_WAITFORONE, NULL));
    printf("%u %u %u, flags %x %x\n", take[0].msg_len, take[1].msg_len, take[2].msg_len,
           take[0].msg_hdr.msg_flags, take[1].msg_hdr.msg_flags);
    CHECK(got[2].sin_port == htons(port_of(from)));
    SHOW(recvmmsg(to, take, 6, MSG_DONTWAIT, NULL));
    SHOW(sendmmsg(from, send, 0, 0));
    send[1].msg_hdr.msg_iov = (void *)8;
    SHOW(sendmmsg(from, send, 3, 0)); /* the first went */
    SHOW(sendmmsg(from, send + 1, 2, 0));
    struct timespec t = {0, 20000000}, bad = {0, -1};
    SHOW(recvmmsg(to, take, 1, 0, &t));
    SHOW(recvmmsg(to, take, 1, 0, &bad));
    struct timeval limit = {0, 20000};
    MUST(setsockopt(to, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    SHOW(recvmmsg(to, take, 2, 0, NULL));
    close(to);
    close(from);
}

static void large(void)
{
    static char text[70000], got[70000];
    int to = udp(AF_INET, 0), from = udp(AF_INET, 0);
    struct sockaddr_in a = loopback(port_of(to));
    for (int i = 0; i < 70000; i++)
        text[i] = i * 31 >> 3;
    SHOW(sendto(from, text, 65507, 0, (struct sockaddr *)&a, sizeof a));
    SHOW(recv(to, got, sizeof got, MSG_DONTWAIT));
    CHECK(!memcmp(text, got, 65507));
    SHOW(sendto(from, text, 65508, 0, (struct sockaddr *)&a, sizeof a));
    SHOW(sendto(from, text, 20000, 0, (struct sockaddr *)&a, sizeof a));
    SHOW(recv(to, got, 100, MSG_DONTWAIT | MSG_TRUNC));
    SHOW(sendto(from, text, 0, 0, (struct sockaddr *)&a, sizeof a));
    SHOW(recv(to, got, 100, MSG_DONTWAIT));
    SHOW(sendto(from, text, 1, MSG_OOB, (struct sockaddr *)&a, sizeof a));
    SHOW(recv(to, got, 100, MSG_DONTWAIT | MSG_OOB));
    SHOW(recv(to, got, 100, MSG_DONTWAIT | MSG_ERRQUEUE));
    close(to);
    close(from);
}

static void over_ipv6(void)
{
    int to = socket(AF_INET6, SOCK_DGRAM, 0), from = socket(AF_INET6, SOCK_DGRAM, 0), four = udp(AF_INET, 0);
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    MUST(bind(to, (struct sockaddr *)&a, sizeof a));
    a.sin6_addr = in6addr_loopback;
    a.sin6_port = htons(port_of(to));
    struct sockaddr_in b = loopback(port_of(to));
    on(to, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
    on(to, IPPROTO_IPV6, IPV6_RECVPKTINFO);
    SHOW(sendto(from, "six", 3, 0, (struct sockaddr *)&a, sizeof a));
    take(to, 256);
    SHOW(sendto(four, "four", 4, 0, (struct sockaddr *)&b, sizeof b));
    take(to, 256);
    close(to);
    close(from);
    close(four);
}

/* Sends with one control message of `size` bytes that begin with `value`. */
static long mark(int fd, struct sockaddr *to, socklen_t length, int level, int type, int size, int value)
{
    char control[64] = {0};
    struct iovec one = {"m", 1};
    struct msghdr m = {.msg_name = to, .msg_namelen = length, .msg_iov = &one, .msg_iovlen = 1};
    m.msg_control = control;
    m.msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){CMSG_LEN(size), level, type};
    memcpy(CMSG_DATA(c), &value, 4);
    return sendmsg(fd, &m, 0);
}

static void marked(void)
{
    int to = udp(AF_INET, 0), from = udp(AF_INET, 0), tos = 0x20;
    struct sockaddr_in a = loopback(port_of(to));
    struct sockaddr *at = (struct sockaddr *)&a;
    on(to, IPPROTO_IP, IP_RECVTTL);
    on(to, IPPROTO_IP, IP_RECVTOS);
    SHOW(mark(from, at, sizeof a, IPPROTO_IP, IP_TTL, 4, 5));
    take(to, 256);
    SHOW(mark(from, at, sizeof a, IPPROTO_IP, IP_TOS, 4, 0x10));
    take(to, 256);
    MUST(setsockopt(from, IPPROTO_IP, IP_TOS, &tos, sizeof tos));
    SHOW(send(from, "x", 1, 0));
    SHOW(sendto(from, "x", 1, 0, at, sizeof a));
    take(to, 256);
    SHOW(mark(from, at, sizeof a, IPPROTO_IP, IP_TOS, 1, 0x40));
    take(to, 256);
    SHOW(mark(from, at, sizeof a, IPPROTO_IP, IP_TTL, 4, 0));
    SHOW(mark(from, at, sizeof a, IPPROTO_IP, IP_TTL, 4, 256));
    SHOW(mark(from, at, sizeof a, IPPROTO_IP, IP_TTL, 2, 5));
    SHOW(mark(from, at, sizeof a, IPPROTO_IP, 99, 4, 5));
    SHOW(mark(from, at, sizeof a, IPPROTO_TCP, 99, 4, 5));
    SHOW(mark(from, at, sizeof a, SOL_SOCKET, SCM_RIGHTS, 4, 0));
    close(to);
    close(from);
    struct sockaddr_in6 b = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    to = socket(AF_INET6, SOCK_DGRAM, 0), from = socket(AF_INET6, SOCK_DGRAM, 0);
    MUST(bind(to, (struct sockaddr *)&b, sizeof b));
    b.sin6_port = htons(port_of(to));
    at = (struct sockaddr *)&b;
    on(to, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
    on(to, IPPROTO_IPV6, IPV6_RECVTCLASS);
    SHOW(mark(from, at, sizeof b, IPPROTO_IPV6, IPV6_HOPLIMIT, 4, 5));
    take(to, 256);
    SHOW(mark(from, at, sizeof b, IPPROTO_IPV6, IPV6_TCLASS, 4, 0xb8));
    take(to, 256);
    SHOW(mark(from, at, sizeof b, IPPROTO_IPV6, IPV6_TCLASS, 4, 256));
    close(to);
    close(from);
}

int main(void)
{
    beside();
    marked();
    again();
    batches();
    large();
    over_ipv6();
    return 0;
}
