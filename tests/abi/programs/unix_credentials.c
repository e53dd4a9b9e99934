/* unix(7): SO_PASSCRED, SCM_CREDENTIALS told and untold, SO_PEERCRED; control data that does not fit. */
#include "sockets.h"

static void take(int fd, int room)
{
    char control[64], text[16];
    struct iovec one = {text, sizeof text};
    struct msghdr m = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = room ? control : NULL};
    m.msg_controllen = room;
    long got = recvmsg(fd, &m, MSG_DONTWAIT);
    printf("%ld bytes, flags %x, control %d", got, m.msg_flags, (int)m.msg_controllen);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c && room >= (int)CMSG_LEN(sizeof(struct ucred))) {
        struct ucred *who = (struct ucred *)CMSG_DATA(c);
        const char *pid = who->pid == getpid() ? "mine" : who->pid == 0 ? "none" : "another";
        printf(", type %d, length %d, pid %s, uid %d, gid %d", c->cmsg_type, (int)c->cmsg_len, pid,
               who->uid, who->gid);
    }
    printf("\n");
}

static long tell(int fd, int pid, int uid, int gid, int size)
{
    char control[CMSG_SPACE(sizeof(struct ucred))] = {0};
    struct iovec one = {"told", 4};
    struct msghdr m = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control};
    m.msg_controllen = sizeof control;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){CMSG_LEN(size), SOL_SOCKET, SCM_CREDENTIALS};
    *(struct ucred *)CMSG_DATA(c) = (struct ucred){pid, uid, gid};
    return sendmsg(fd, &m, MSG_NOSIGNAL);
}

static void pass(int type)
{
    int s[2], on = 1;
    MUST(socketpair(AF_UNIX, type, 0, s));
    SHOW(send(s[0], "before", 6, 0));
    MUST(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    SHOW(send(s[0], "after", 5, 0));
    take(s[1], 64); /* of a stream too: messages of different senders are apart */
    take(s[1], 64);
    SHOW(tell(s[0], getpid(), getuid(), getgid(), sizeof(struct ucred)));
    take(s[1], 64);
    SHOW(tell(s[0], getpid(), 4711, 4712, sizeof(struct ucred))); /* root may */
    take(s[1], 64);
    SHOW(tell(s[0], 3999999, 0, 0, sizeof(struct ucred)));
    SHOW(tell(s[0], getpid(), -1, 0, sizeof(struct ucred)));
    SHOW(tell(s[0], getpid(), 0, 0, 8));
    SHOW(send(s[0], "x", 1, 0));
    take(s[1], 0);
    SHOW(send(s[0], "x", 1, 0));
    take(s[1], 20);
    SHOW(send(s[0], "x", 1, 0));
    take(s[1], 8);
    close(s[0]);
    close(s[1]);
}

static void peer(int fd)
{
    struct ucred who = {77, 77, 77};
    socklen_t length = sizeof who;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length));
    printf("%s, %d, %d\n", who.pid == getpid() ? "mine" : who.pid ? "another" : "none", who.uid, who.gid);
}

int main(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0credentials"};
    socklen_t length = sizeof(sa_family_t) + 12;
    int s[2], server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    pass(SOCK_STREAM);
    pass(SOCK_SEQPACKET);
    pass(SOCK_DGRAM);
    MUST(bind(server, (struct sockaddr *)&a, length));
    peer(server);
    MUST(listen(server, 1));
    peer(server);
    peer(client);
    MUST(setegid(44)); /* the client's credentials are those at connect(2), the server's at listen(2) */
    MUST(seteuid(33));
    MUST(connect(client, (struct sockaddr *)&a, length));
    MUST(seteuid(0));
    MUST(setegid(0));
    int end = accept(server, NULL, NULL);
    MUST(end);
    peer(end);
    peer(client);
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    peer(s[0]);
    MUST(seteuid(33));
    SHOW(tell(s[0], getpid(), 0, 0, sizeof(struct ucred)));
    SHOW(tell(s[0], getpid(), 33, 0, sizeof(struct ucred)));
    SHOW(tell(s[0], getpid(), 34, 0, sizeof(struct ucred)));
    SHOW(tell(s[0], getpid() + 1, 33, 0, sizeof(struct ucred)));
    MUST(seteuid(0));
    close(s[0]);
    close(s[1]);
    close(end);
    close(client);
    close(server);
    return 0;
}
