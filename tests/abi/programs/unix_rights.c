/* unix(7) SCM_RIGHTS: how reads of a stream stop at descriptors, many at once, peeking, sockets that were
 * sent through themselves. */
#include "sockets.h"

static long give(int fd, const char *text, const int *fds, int count)
{
    static char control[CMSG_SPACE(300 * sizeof(int))];
    struct iovec one = {(void *)text, strlen(text)};
    struct msghdr m = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control};
    m.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    return sendmsg(fd, &m, MSG_NOSIGNAL);
}

/* Takes and closes what came. */
static int take(int fd, int size, int flags)
{
    static char control[CMSG_SPACE(300 * sizeof(int))];
    char text[64];
    struct iovec one = {text, size};
    struct msghdr m = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control};
    m.msg_controllen = sizeof control;
    long got = recvmsg(fd, &m, flags | MSG_DONTWAIT);
    struct cmsghdr *c = got < 0 ? NULL : CMSG_FIRSTHDR(&m);
    int count = c ? (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
    printf("%ld bytes, flags %x, %d descriptors\n", got, got < 0 ? 0 : m.msg_flags, count);
    for (int i = 0; i < count; i++)
        close(((int *)CMSG_DATA(c))[i]);
    return count;
}

static void barriers(void)
{
    int s[2];
    char text[8];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    MUST(write(s[0], "ab", 2));
    SHOW(give(s[0], "cd", s, 1));
    MUST(write(s[0], "ef", 2));
    SHOW(give(s[0], "gh", s, 2));
    take(s[1], 20, 0);
    take(s[1], 1, 0);
    take(s[1], 20, 0);
    take(s[1], 20, 0);
    SHOW(give(s[0], "abc", s, 1));
    take(s[1], 2, MSG_PEEK);
    take(s[1], 2, 0);
    take(s[1], 2, 0);
    SHOW(give(s[0], "xy", s, 1));
    SHOW(read(s[1], text, 1)); /* descriptors nobody takes are closed */
    take(s[1], 2, 0);
    SHOW(give(s[0], "", s, 1)); /* a stream of nothing carries nothing */
    take(s[1], 2, 0);
    SHOW(give(s[0], "z", s, 1));
    take(s[1], 2, MSG_CMSG_CLOEXEC);
    close(s[0]);
    close(s[1]);
}

static void many(void)
{
    int s[2], fds[254];
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
    for (int i = 0; i < 254; i++)
        fds[i] = 0;
    SHOW(give(s[0], "x", fds, 254));
    SHOW(give(s[0], "x", fds, 253));
    SHOW(take(s[1], 1, 0));
    SHOW(give(s[0], "", fds, 3));
    take(s[1], 1, 0);
    fds[2] = 999;
    SHOW(give(s[0], "x", fds, 3));
    take(s[1], 1, 0);
    int path = open("/", O_PATH);
    SHOW(give(s[0], "x", &path, 1));
    take(s[1], 1, 0);
    close(path);
    close(s[0]);
    close(s[1]);
}

/* Each end in the other's queue, then nobody has either: the pipe's writer goes with them. */
static void cycle(void)
{
    int s[2], p[2], last[2];
    MUST(pipe(p));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(give(s[0], "x", &s[0], 1));
    SHOW(give(s[0], "x", &p[1], 1));
    SHOW(give(s[1], "x", &s[1], 1));
    SHOW(give(s[1], "x", &s[0], 1));
    close(p[1]);
    close(s[0]);
    SHOW(ready(p[0], POLLIN, 0));
    close(s[1]);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, last));
    close(last[0]);
    close(last[1]);
    SHOW(ready(p[0], POLLIN, 1000));
    close(p[0]);
}

/* A socket in flight that can still be had: nothing of it is collected. */
static void chain(void)
{
    int s[2], t[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, t));
    MUST(write(t[0], "kept", 4));
    SHOW(give(s[0], "x", &t[1], 1));
    close(t[1]);
    SHOW(give(t[0], "y", &s[0], 1));
    close(s[0]);
    int other[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, other));
    close(other[0]);
    close(other[1]);
    SHOW(take(s[1], 1, 0));
    close(t[0]);
    close(s[1]);
}

/* The queue of a listener that was sent to what waits in it. */
static void listening_cycle(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0cycle"};
    socklen_t length = sizeof(sa_family_t) + 6;
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), p[2], last[2];
    MUST(pipe(p));
    MUST(bind(server, (struct sockaddr *)&a, length));
    MUST(listen(server, 1));
    MUST(connect(client, (struct sockaddr *)&a, length));
    SHOW(give(client, "x", &server, 1));
    SHOW(give(client, "x", &p[1], 1));
    close(p[1]);
    close(server);
    close(client);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, last));
    close(last[0]);
    close(last[1]);
    SHOW(ready(p[0], POLLIN, 1000));
    close(p[0]);
}

int main(void)
{
    barriers();
    many();
    cycle();
    chain();
    listening_cycle();
    return 0;
}
