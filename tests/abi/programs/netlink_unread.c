/* netlink(7) ENOBUFS: answers that nobody reads are kept as far as SO_RCVBUF goes, the loss is told
 * once, and a socket that was read answers again. */
#include "check.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

enum { AT_ONCE = 500, TIMES = 40 };

struct request {
    struct nlmsghdr header;
    struct rtgenmsg body;
    char padding[3];
};

static void make(struct request *request)
{
    request->header.nlmsg_len = sizeof *request;
    request->header.nlmsg_type = RTM_GETLINK;
    request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
}

int main(void)
{
    static struct request requests[AT_ONCE];
    static char text[65536];
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), sent = 0;
    long got;
    for (int i = 0; i < AT_ONCE; i++)
        make(&requests[i]);
    for (int i = 0; i < TIMES; i++)
        sent += send(fd, requests, sizeof requests, MSG_DONTWAIT) > 0;
    SHOW(sent);
    SHOW(recv(fd, text, sizeof text, MSG_DONTWAIT));
    CHECK(recv(fd, text, sizeof text, MSG_DONTWAIT) > 0);
    while ((got = recv(fd, text, sizeof text, MSG_DONTWAIT)) > 0)
        ;
    printf("then %s\n", strerrorname_np(errno));
    MUST(send(fd, requests, sizeof requests[0], 0));
    CHECK(recv(fd, text, sizeof text, MSG_DONTWAIT) > 0);
    close(fd);
    return 0;
}
