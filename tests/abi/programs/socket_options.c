/* socket(7), tcp(7), getsockopt(2): values, sizes and errors of the options programs set. */
#include "sockets.h"

static void flag(int fd, int level, int option, const char *what)
{
    int value = 9, on = 1;
    socklen_t length = sizeof value;
    printf("%s: ", what);
    long before = getsockopt(fd, level, option, &value, &length);
    printf("%s %d, ", before ? strerrorname_np(errno) : "default", before ? 0 : value);
    long set = setsockopt(fd, level, option, &on, sizeof on);
    printf("%s, ", set ? strerrorname_np(errno) : "set");
    value = 9;
    getsockopt(fd, level, option, &value, &length);
    printf("now %d, size %d\n", set ? 0 : value, (int)length);
}

int main(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), value = 0;
    socklen_t length = sizeof value;
    flag(fd, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR");
    flag(fd, SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT");
    flag(fd, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE");
    flag(fd, SOL_SOCKET, SO_BROADCAST, "SO_BROADCAST");
    flag(fd, SOL_SOCKET, SO_OOBINLINE, "SO_OOBINLINE");
    flag(fd, IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY");
    flag(fd, IPPROTO_TCP, TCP_CORK, "TCP_CORK");
    flag(fd, IPPROTO_TCP, TCP_QUICKACK, "TCP_QUICKACK");
    flag(fd, SOL_SOCKET, 9999, "an unknown one");
    flag(fd, SOL_SOCKET, SO_TYPE, "SO_TYPE");
    flag(fd, SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN");
    flag(fd, SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN");
    flag(fd, SOL_SOCKET, SO_PROTOCOL, "SO_PROTOCOL");
    value = 20000;
    SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof value));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &length));
    SHOW(value);
    value = 30000;
    SHOW(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof value));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, &length));
    SHOW(value);
    value = 50;
    SHOW(setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, sizeof value));
    SHOW(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, &length));
    SHOW(value);
    value = 0;
    SHOW(setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, sizeof value));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 3));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, (void *)8, 4));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, (void *)8, &length));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, (void *)8));
    length = 2;
    value = -1;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length));
    SHOW(length);
    printf("%x\n", value);
    struct linger linger = {1, 5}, got = {9, 9};
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    length = sizeof got;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_LINGER, &got, &length));
    printf("%d %d\n", got.l_onoff, got.l_linger);
    struct timeval t = {1, 1000000}, back = {9, 9};
    SHOW(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
    t.tv_usec = 500000;
    SHOW(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
    length = sizeof back;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &back, &length));
    printf("%ld %ld\n", (long)back.tv_sec, (long)back.tv_usec);
    SHOW(setsockopt(1, SOL_SOCKET, SO_REUSEADDR, &value, 4));
    SHOW(setsockopt(99, SOL_SOCKET, SO_REUSEADDR, &value, 4));
    close(fd);
    fd = listener(1);
    flag(fd, SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN");
    close(fd);
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    flag(fd, SOL_SOCKET, SO_PASSCRED, "SO_PASSCRED");
    flag(fd, SOL_SOCKET, SO_TYPE, "SO_TYPE");
    close(fd);
    return 0;
}
