/* udp(7): connected and not, borders of datagrams, truncation, empty ones, refusals, several at once. */
#include "sockets.h"

static struct sockaddr *any(void *address) { return address; }

static int bound(void)
{
    struct sockaddr_in address = loopback(0);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    MUST(fd);
    MUST(bind(fd, any(&address), sizeof address));
    return fd;
}

static void refused(void)
{
    char text[8];
    int gone = bound(), fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = loopback(port_of(gone));
    close(gone);
    SHOW(connect(fd, any(&address), sizeof address));
    SHOW(send(fd, "x", 1, 0));
    SHOW(ready(fd, POLLIN, 2000) & POLLERR);
    SHOW(recv(fd, text, 8, MSG_DONTWAIT));
    SHOW(recv(fd, text, 8, MSG_DONTWAIT));
    close(fd);
}

static void several(int to, int from)
{
    char texts[3][8] = {"a", "bb", "ccc"}, back[3][8] = {0};
    struct iovec out[3], in[3];
    struct mmsghdr messages[3];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < 3; i++) {
        out[i] = (struct iovec){texts[i], (size_t)i + 1};
        in[i] = (struct iovec){back[i], 8};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &out[i], .msg_iovlen = 1};
    }
    SHOW(sendmmsg(from, messages, 3, 0));
    for (int i = 0; i < 3; i++)
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &in[i], .msg_iovlen = 1};
    SHOW(recvmmsg(to, messages, 3, 0, NULL));
    SHOW(messages[2].msg_len);
    CHECK(!strcmp(back[0], "a") && !strcmp(back[1], "bb") && !strcmp(back[2], "ccc"));
}

int main(void)
{
    char text[32] = {0};
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    int a = bound(), b = bound(), c = bound(), bytes;
    struct sockaddr_in to_a = loopback(port_of(a)), to_b = loopback(port_of(b));
    SHOW(ready(a, POLLIN | POLLOUT, 0));
    SHOW(send(a, "x", 1, 0));
    SHOW(getpeername(a, any(&peer), &length));
    SHOW(sendto(b, "hello", 5, 0, any(&to_a), sizeof to_a));
    SHOW(sendto(b, "", 0, 0, any(&to_a), sizeof to_a));
    SHOW(sendto(b, "second", 6, 0, any(&to_a), sizeof to_a));
    SHOW(ready(a, POLLIN, 2000));
    SHOW(ioctl(a, FIONREAD, &bytes));
    SHOW(bytes);
    length = sizeof peer;
    SHOW(recvfrom(a, text, 3, MSG_PEEK, any(&peer), &length));
    CHECK(length == sizeof peer && ntohs(peer.sin_port) == port_of(b));
    SHOW(recv(a, text, 3, MSG_TRUNC));
    SHOW(recv(a, text, 3, 0));
    struct iovec one = {text, 3};
    struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1};
    SHOW(recvmsg(a, &message, 0));
    SHOW(message.msg_flags & MSG_TRUNC);
    SHOW(recv(a, text, 3, MSG_DONTWAIT));

    SHOW(connect(a, any(&to_b), sizeof to_b));
    SHOW(sendto(c, "stranger", 8, 0, any(&to_a), sizeof to_a));
    SHOW(sendto(b, "friend", 6, 0, any(&to_a), sizeof to_a));
    SHOW(ready(a, POLLIN, 2000));
    memset(text, 0, sizeof text);
    SHOW(recv(a, text, sizeof text, 0));
    printf("%s\n", text);
    SHOW(recv(a, text, sizeof text, MSG_DONTWAIT));
    SHOW(send(a, "answer", 6, 0));
    SHOW(recv(b, text, sizeof text, 0));
    several(b, a);
    SHOW(bind(c, any(&to_a), sizeof to_a));
    int d = socket(AF_INET, SOCK_DGRAM, 0);
    SHOW(bind(d, any(&to_a), sizeof to_a));
    SHOW(listen(d, 1));
    SHOW(accept(d, NULL, NULL));
    SHOW(shutdown(d, SHUT_RD));
    SHOW(ready(d, POLLIN | POLLOUT | POLLRDHUP, 0)); /* shut all the same */
    close(d);
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    SHOW(connect(a, &nowhere, sizeof nowhere));
    SHOW(send(a, "x", 1, 0));
    static char huge[70000];
    SHOW(sendto(a, huge, sizeof huge, 0, any(&to_b), sizeof to_b));
    to_b.sin_port = 0;
    SHOW(sendto(a, "x", 1, 0, any(&to_b), sizeof to_b));
    close(a);
    close(b);
    close(c);
    refused();
    return 0;
}
