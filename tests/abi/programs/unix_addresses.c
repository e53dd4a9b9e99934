/* unix(7) § Address format: autobind, names without a NUL, what unlink and rename do to a name, errors of
 * bind(2) and connect(2). */
#include "sockets.h"

static int call(int (*f)(int, const struct sockaddr *, socklen_t), int fd, const char *path, int extra)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int length = strlen(path);
    memcpy(a.sun_path, path, length);
    if (path[0] == '@')
        a.sun_path[0] = 0;
    return f(fd, (struct sockaddr *)&a, offsetof(struct sockaddr_un, sun_path) + length + extra);
}

static void own_name(int fd)
{
    struct sockaddr_un a;
    socklen_t length = sizeof a;
    memset(&a, 'x', sizeof a);
    SHOW(getsockname(fd, (struct sockaddr *)&a, &length));
    printf("length %d, family %d, first byte %d\n", (int)length, a.sun_family, a.sun_path[0]);
}

static void autobind(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    own_name(fd);
    SHOW(bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)));
    own_name(fd);
    SHOW(bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)));
    SHOW(call(bind, fd, "@again", 0));
    SHOW(call(bind, fd, "again", 1));
    SHOW(access("again", F_OK));
    close(fd);
    int pair[2], on = 1;
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    SHOW(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    own_name(pair[0]);
    SHOW(send(pair[0], "x", 1, 0));
    own_name(pair[0]);
    close(pair[0]);
    close(pair[1]);
}

static void paths(void)
{
    int server = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0), packets = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    SHOW(call(bind, server, "name", 0));
    own_name(server);
    SHOW(call(connect, client, "name", 1)); /* nobody listens */
    SHOW(listen(server, 1));
    SHOW(call(connect, packets, "name", 1));
    SHOW(call(bind, other, "name", 1));
    SHOW(rename("name", "new name"));
    SHOW(call(connect, client, "name", 1));
    SHOW(call(bind, other, "name", 1));
    SHOW(call(connect, client, "name", 1));
    SHOW(call(connect, client, "new name", 1));
    SHOW(call(connect, client, "new name", 1));
    SHOW(call(connect, server, "new name", 1));
    own_name(server);
    SHOW(unlink("new name"));
    SHOW(call(connect, other, "new name", 1));
    int file = open("file", O_CREAT | O_RDWR, 0644);
    SHOW(call(connect, other, "file", 1));
    SHOW(call(connect, other, "file/below", 1));
    SHOW(call(bind, other, "no directory/x", 1));
    close(server);
    server = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(call(bind, server, "file", 1));
    SHOW(call(bind, server, "name", 1)); /* its socket was closed, the name is there still */
    close(file);
    close(other);
    close(client);
    close(packets);
    SHOW(call(bind, server, "name", 1));
    close(server);
    SHOW(unlink("name"));
    unlink("file");
}

static void lengths(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX}, got;
    socklen_t length = sizeof got;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(fd, (struct sockaddr *)&a, 1));
    SHOW(bind(fd, (struct sockaddr *)&a, 200));
    SHOW(bind(fd, (struct sockaddr *)8, sizeof a));
    a.sun_family = AF_INET;
    SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
    SHOW(connect(fd, (struct sockaddr *)&a, sizeof a));
    a.sun_family = AF_UNSPEC;
    SHOW(connect(fd, (struct sockaddr *)&a, sizeof a));
    a.sun_family = AF_UNIX;
    memset(a.sun_path, 'a', sizeof a.sun_path);
    SHOW(bind(fd, (struct sockaddr *)&a, sizeof a)); /* a path of 108 bytes without a NUL */
    SHOW(getsockname(fd, (struct sockaddr *)&got, &length));
    SHOW(length);
    close(fd);
    char path[109] = {0};
    memcpy(path, a.sun_path, 108);
    SHOW(unlink(path));
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    memset(&a, 0, sizeof a);
    a.sun_family = AF_UNIX;
    SHOW(bind(fd, (struct sockaddr *)&a, sizeof a)); /* an abstract name of 108 NULs */
    own_name(fd);
    close(fd);
}

/* Who may not write to the name may not connect to it. */
static void permissions(void)
{
    int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);
    MUST(call(bind, server, "/tmp/owned", 1));
    MUST(chmod("/tmp/owned", 0755));
    MUST(seteuid(4711));
    SHOW(call(connect, client, "/tmp/owned", 1));
    MUST(seteuid(0));
    MUST(chmod("/tmp/owned", 0777));
    MUST(seteuid(4711));
    SHOW(call(connect, client, "/tmp/owned", 1));
    MUST(seteuid(0));
    close(client);
    close(server);
    unlink("/tmp/owned");
}

int main(void)
{
    permissions();
    autobind();
    paths();
    lengths();
    return 0;
}
