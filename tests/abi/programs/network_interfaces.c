/* netdevice(7), getifaddrs(3), if_nameindex(3), rtnetlink(7): what is told of `lo`, the one interface that
 * every machine has. link: dynamic */
#include "sockets.h"
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netdb.h>

static void by_ioctl(void)
{
    struct ifreq r = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    SHOW(ioctl(fd, SIOCGIFINDEX, &r));
    SHOW(r.ifr_ifindex);
    SHOW(ioctl(fd, SIOCGIFFLAGS, &r));
    printf("flags %x\n", r.ifr_flags);
    SHOW(ioctl(fd, SIOCGIFADDR, &r));
    printf("address %x\n", ntohl(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr));
    SHOW(ioctl(fd, SIOCGIFNETMASK, &r));
    printf("mask %x\n", ntohl(((struct sockaddr_in *)&r.ifr_netmask)->sin_addr.s_addr));
    SHOW(ioctl(fd, SIOCGIFMTU, &r));
    SHOW(r.ifr_mtu);
    SHOW(ioctl(fd, SIOCGIFHWADDR, &r));
    SHOW(r.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK);
    SHOW(ioctl(fd, SIOCGIFTXQLEN, &r));
    r.ifr_ifindex = 1;
    memset(r.ifr_name, 0, sizeof r.ifr_name);
    SHOW(ioctl(fd, SIOCGIFNAME, &r));
    printf("%s\n", r.ifr_name);
    r.ifr_ifindex = 999;
    SHOW(ioctl(fd, SIOCGIFNAME, &r));
    strcpy(r.ifr_name, "none");
    SHOW(ioctl(fd, SIOCGIFFLAGS, &r));
    SHOW(ioctl(fd, SIOCGIFFLAGS, (void *)8));
    struct ifreq all[16];
    struct ifconf c = {.ifc_len = 0};
    SHOW(ioctl(fd, SIOCGIFCONF, &c));
    CHECK(c.ifc_len >= (int)sizeof r);
    c.ifc_len = sizeof all;
    c.ifc_req = all;
    SHOW(ioctl(fd, SIOCGIFCONF, &c));
    CHECK(c.ifc_len % sizeof r == 0 && !strcmp(all[0].ifr_name, "lo"));
    close(fd);
}

static void by_library(void)
{
    struct ifaddrs *all, *a;
    SHOW(getifaddrs(&all));
    for (a = all; a; a = a->ifa_next) {
        if (strcmp(a->ifa_name, "lo"))
            continue;
        printf("family %d, flags %x", a->ifa_addr->sa_family, a->ifa_flags);
        if (a->ifa_addr->sa_family == AF_INET)
            printf(", %x/%x", ntohl(((struct sockaddr_in *)a->ifa_addr)->sin_addr.s_addr),
                   ntohl(((struct sockaddr_in *)a->ifa_netmask)->sin_addr.s_addr));
        if (a->ifa_addr->sa_family == AF_INET6)
            printf(", %d, ends in %d", IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)a->ifa_addr)->sin6_addr),
                   ((struct sockaddr_in6 *)a->ifa_netmask)->sin6_addr.s6_addr[15]);
        printf("\n");
    }
    freeifaddrs(all);
    struct if_nameindex *names = if_nameindex();
    CHECK(names && names[0].if_index == 1 && !strcmp(names[0].if_name, "lo"));
    if_freenameindex(names);
    SHOW(if_nametoindex("lo"));
    char name[IF_NAMESIZE];
    CHECK(if_indextoname(1, name) && !strcmp(name, "lo"));
    CHECK(!if_indextoname(999, name));
    struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG, .ai_socktype = SOCK_STREAM}, *found;
    SHOW(getaddrinfo("127.0.0.1", "80", &hints, &found));
    CHECK(found->ai_family == AF_INET && !found->ai_next);
    freeaddrinfo(found);
}

static struct {
    struct nlmsghdr header;
    union {
        struct ifinfomsg link;
        struct rtgenmsg any;
    };
} request;

static char answer[65536];

static long ask(int fd, int type, int flags, int index)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    memset(&request, 0, sizeof request);
    request.header = (struct nlmsghdr){NLMSG_LENGTH(sizeof request.link), type, NLM_F_REQUEST | flags, 77, 0};
    request.link.ifi_index = index;
    return sendto(fd, &request, request.header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel);
}

/* Prints what is about `lo` until the end of a dump, or the first message. */
static void take(int fd, int is_dump)
{
    int own = 0;
    for (;;) {
        struct sockaddr_nl from;
        socklen_t length = sizeof from;
        long got = recvfrom(fd, answer, sizeof answer, MSG_DONTWAIT, (struct sockaddr *)&from, &length);
        if (got < 0) {
            printf("nothing: %s\n", strerrorname_np(errno));
            return;
        }
        if (from.nl_pid || length != sizeof from)
            printf("from %d, length %d\n", from.nl_pid, (int)length);
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, got); h = NLMSG_NEXT(h, got)) {
            if (h->nlmsg_seq != 77)
                printf("sequence %d\n", h->nlmsg_seq);
            if (h->nlmsg_type == NLMSG_ERROR)
                printf("error %s\n", strerrorname_np(-((struct nlmsgerr *)NLMSG_DATA(h))->error));
            if (h->nlmsg_type == RTM_NEWLINK) {
                struct ifinfomsg *i = NLMSG_DATA(h);
                if (i->ifi_index == 1)
                    printf("link 1, type %d, flags %x\n", i->ifi_type, i->ifi_flags);
            }
            if (h->nlmsg_type == RTM_NEWADDR) {
                struct ifaddrmsg *i = NLMSG_DATA(h);
                if (i->ifa_index == 1)
                    printf("address, family %d, prefix %d, scope %d, flags %x\n", i->ifa_family, i->ifa_prefixlen,
                           i->ifa_scope, i->ifa_flags);
            }
            own |= h->nlmsg_type == RTM_NEWROUTE;
            if (h->nlmsg_type == NLMSG_DONE) {
                printf("done\n");
                return;
            }
        }
        if (!is_dump)
            return;
    }
}

static void by_netlink(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), other;
    struct sockaddr_nl a = {.nl_family = AF_NETLINK}, got;
    socklen_t length = sizeof got;
    MUST(fd);
    SHOW(bind(fd, (struct sockaddr *)&a, 4));
    SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
    MUST(getsockname(fd, (struct sockaddr *)&got, &length));
    CHECK(got.nl_family == AF_NETLINK && (int)got.nl_pid == getpid() && length == sizeof got);
    other = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
    SHOW(bind(other, (struct sockaddr *)&got, sizeof got));
    SHOW(bind(other, (struct sockaddr *)&a, sizeof a));
    close(other);
    SHOW(ready(fd, POLLIN | POLLOUT, 0));
    SHOW(ask(fd, RTM_GETLINK, 0, 1) > 0);
    SHOW(ready(fd, POLLIN | POLLOUT, 0));
    SHOW(recv(fd, answer, 16, MSG_PEEK | MSG_TRUNC) > 16);
    take(fd, 0);
    SHOW(ask(fd, RTM_GETLINK, 0, 999) > 0);
    take(fd, 0);
    SHOW(ask(fd, RTM_GETLINK, NLM_F_DUMP, 0) > 0);
    take(fd, 1);
    SHOW(ask(fd, RTM_GETADDR, NLM_F_DUMP, 0) > 0);
    take(fd, 1);
    SHOW(ask(fd, RTM_GETROUTE, NLM_F_DUMP, 0) > 0);
    take(fd, 1);
    SHOW(ask(fd, 200, 0, 0) > 0);
    take(fd, 0);
    take(fd, 0);
    close(fd);
    SHOW(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
    SHOW(socket(AF_NETLINK, SOCK_RAW, 999));
}

int main(void)
{
    by_ioctl();
    by_library();
    by_netlink();
    return 0;
}
