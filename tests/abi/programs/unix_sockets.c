/* unix(7): socketpair, stream, datagram and sequenced packets; names in the file system and abstract ones;
 * credentials; closing. */
#include "sockets.h"

static socklen_t name(struct sockaddr_un *address, const char *path)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(path);
    strcpy(address->sun_path, path);
    if (path[0] == '@') {
        address->sun_path[0] = 0;
        return length;
    }
    return length + 1;
}

static void pairs(int type, const char *what)
{
    int s[2];
    char text[32];
    printf("-- %s\n", what);
    SHOW(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, s));
    SHOW(fcntl(s[0], F_GETFD));
    SHOW(write(s[0], "first", 5));
    SHOW(write(s[0], "second", 6));
    SHOW(ready(s[1], POLLIN | POLLOUT, 0));
    SHOW(read(s[1], text, 3));
    SHOW(read(s[1], text, sizeof text));
    SHOW(recv(s[1], text, sizeof text, MSG_DONTWAIT));
    SHOW(send(s[0], "", 0, 0));
    SHOW(recv(s[1], text, sizeof text, MSG_DONTWAIT));
    SHOW(write(s[1], "left", 4));
    close(s[1]);
    SHOW(ready(s[0], POLLIN | POLLOUT | POLLRDHUP, 0));
    SHOW(recv(s[0], text, sizeof text, MSG_DONTWAIT));
    SHOW(recv(s[0], text, sizeof text, MSG_DONTWAIT));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    close(s[0]);
}

static void named(int type, const char *path)
{
    struct sockaddr_un address, got;
    socklen_t length = name(&address, path), size = sizeof got;
    int server = socket(AF_UNIX, type, 0), client = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
    printf("-- %s\n", path);
    SHOW(connect(client, (struct sockaddr *)&address, length));
    SHOW(bind(server, (struct sockaddr *)&address, length));
    SHOW(connect(client, (struct sockaddr *)&address, length));
    SHOW(listen(server, 1));
    SHOW(connect(client, (struct sockaddr *)&address, length));
    SHOW(getpeername(client, (struct sockaddr *)&got, &size));
    SHOW(size);
    CHECK(!memcmp(got.sun_path, address.sun_path, length - 2));
    size = sizeof got;
    int end = accept(server, (struct sockaddr *)&got, &size);
    SHOW(size);
    SHOW(got.sun_family);
    struct ucred who = {0};
    socklen_t who_size = sizeof who;
    SHOW(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &who, &who_size));
    CHECK(who.pid == getpid() && who.uid == 0);
    int again = socket(AF_UNIX, type, 0);
    SHOW(bind(again, (struct sockaddr *)&address, length));
    close(again);
    struct stat s;
    if (path[0] != '@') {
        SHOW(stat(path, &s));
        CHECK(S_ISSOCK(s.st_mode));
        SHOW(open(path, O_RDWR));
        SHOW(unlink(path));
    }
    close(server);
    SHOW(write(client, "x", 1));
    SHOW(read(end, &s, 5));
    close(client);
    close(end);
}

static void datagrams(void)
{
    struct sockaddr_un at, got;
    socklen_t length = name(&at, "@datagrams"), size = sizeof got;
    char text[16];
    int to = socket(AF_UNIX, SOCK_DGRAM, 0), from = socket(AF_UNIX, SOCK_DGRAM, 0);
    SHOW(bind(to, (struct sockaddr *)&at, length));
    SHOW(sendto(from, "one", 3, 0, (struct sockaddr *)&at, length));
    SHOW(recvfrom(to, text, 2, MSG_TRUNC, (struct sockaddr *)&got, &size));
    SHOW(size);
    SHOW(connect(from, (struct sockaddr *)&at, length));
    SHOW(send(from, "two", 3, 0));
    close(to);
    SHOW(send(from, "three", 5, MSG_NOSIGNAL));
    close(from);
}

int main(void)
{
    int s[2];
    pairs(SOCK_STREAM, "stream");
    pairs(SOCK_DGRAM, "datagram");
    pairs(SOCK_SEQPACKET, "sequenced packets");
    named(SOCK_STREAM, "a socket");
    named(SOCK_STREAM, "@an abstract one");
    named(SOCK_SEQPACKET, "@sequenced");
    datagrams();
    SHOW(socketpair(AF_INET, SOCK_STREAM, 0, s));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)8));
    SHOW(socket(AF_UNIX, SOCK_STREAM, 77));
    return 0;
}
