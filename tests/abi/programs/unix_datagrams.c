/* unix(7): datagram sockets that are bound, connected, connected elsewhere and closed; queues; peers. */
#include "sockets.h"

static struct sockaddr_un at(const char *name, socklen_t *length)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path + 1, name);
    *length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
    return a;
}

static int bound(const char *name)
{
    socklen_t length;
    struct sockaddr_un a = at(name, &length);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    MUST(bind(fd, (struct sockaddr *)&a, length));
    return fd;
}

static int to(int fd, const char *name)
{
    socklen_t length;
    struct sockaddr_un a = at(name, &length);
    return connect(fd, (struct sockaddr *)&a, length);
}

static long post(int fd, const char *name, const char *text)
{
    socklen_t length;
    struct sockaddr_un a = at(name, &length);
    return sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&a, length);
}

static void from(int fd)
{
    struct sockaddr_un a = {0};
    socklen_t length = sizeof a;
    char text[16] = {0};
    long got = recvfrom(fd, text, sizeof text, 0, (struct sockaddr *)&a, &length);
    if (got < 0)
        printf("nothing: %s\n", strerrorname_np(errno));
    else
        printf("%ld bytes %s from %s, length %d\n", got, text, a.sun_path + 1, (int)length);
}

static int disconnect(int fd)
{
    struct sockaddr a = {.sa_family = AF_UNSPEC};
    return connect(fd, &a, sizeof a);
}

int main(void)
{
    int one = bound("one"), two = bound("two"), three = bound("three");
    SHOW(post(one, "two", "hello"));
    from(two);
    SHOW(post(one, "nobody", "hello"));
    SHOW(to(one, "nobody"));
    SHOW(to(one, "two"));
    SHOW(send(one, "connected", 9, 0));
    from(two);
    SHOW(post(one, "three", "still"));
    from(three);
    SHOW(post(three, "one", "not from your peer"));
    SHOW(to(three, "one"));
    SHOW(post(two, "one", "from your peer"));
    from(one);
    SHOW(to(two, "one"));
    SHOW(send(one, "waits", 5, 0));
    SHOW(disconnect(two)); /* what waited from the peer is gone, and the peer is told */
    from(two);
    SHOW(ready(one, POLLIN | POLLOUT, 0));
    SHOW(error_of(one));
    SHOW(error_of(one));
    SHOW(send(two, "x", 1, 0));
    SHOW(disconnect(two));
    SHOW(to(one, "one")); /* its own peer */
    SHOW(send(one, "self", 4, 0));
    from(one);
    SHOW(disconnect(one));
    SHOW(to(one, "two"));
    int count = 0;
    while (send(one, "x", 1, MSG_DONTWAIT) == 1)
        count++;
    SHOW(errno == EAGAIN);
    SHOW(count); /* net.unix.max_dgram_qlen, and one */
    SHOW(ready(one, POLLOUT, 0));
    from(two);
    SHOW(ready(one, POLLOUT, 0));
    close(two);
    SHOW(ready(one, POLLIN | POLLOUT, 0));
    SHOW(send(one, "x", 1, 0));
    SHOW(send(one, "x", 1, 0));
    static char large[300000];
    SHOW(sendto(one, large, sizeof large, 0, NULL, 0));
    SHOW(to(one, "three"));
    SHOW(send(one, large, sizeof large, 0));
    SHOW(send(one, large, 200000, 0));
    SHOW(recv(three, large, sizeof large, 0));
    SHOW(shutdown(three, SHUT_RD));
    SHOW(send(one, "x", 1, 0));
    SHOW(recv(three, large, 1, MSG_DONTWAIT));
    close(one);
    close(three);
    return 0;
}
