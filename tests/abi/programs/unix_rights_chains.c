/* unix(7) SCM_RIGHTS: sockets in flight inside of sockets in flight, very many deep, from the inside
 * and from the outside, and in a ring; all end when the last that is open is closed. */
#include "check.h"
#include <sys/socket.h>

enum { LEVELS = 2000 };

static int give(int via, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control = {.header = {CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec one = {"x", 1};
    struct msghdr m = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = &control};
    m.msg_controllen = sizeof control;
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    return sendmsg(via, &m, 0);
}

/* `innermost` is in the one that is in all others. */
static void from_inside(int innermost)
{
    int last[2], next[2], made = 0;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, last));
    MUST(give(last[1], innermost));
    while (made < LEVELS) {
        MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, next));
        MUST(give(next[1], last[0]));
        close(last[0]);
        close(last[1]);
        memcpy(last, next, sizeof last);
        made++;
    }
    SHOW(made);
    close(last[0]);
    close(last[1]);
}

/* Each goes into one that is in flight already; a ring where the first goes into the last. */
static void outside(int innermost, int is_ring)
{
    int first[2], next[2], made = 0;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, first));
    int into = dup(first[1]);
    while (made < LEVELS / 2) {
        MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, next));
        MUST(give(into, next[0]));
        close(next[0]);
        close(into);
        into = next[1];
        made++;
    }
    SHOW(made);
    MUST(give(into, innermost));
    if (is_ring)
        MUST(give(into, first[0]));
    close(into);
    close(first[0]);
    close(first[1]);
}

static void from_outside(int innermost)
{
    outside(innermost, 0);
}

static void ring(int innermost)
{
    outside(innermost, 1);
}

static void try(const char *what, void (*chain)(int))
{
    int pipes[2], other[2];
    char byte;
    MUST(pipe(pipes));
    printf("%s\n", what);
    chain(pipes[1]);
    close(pipes[1]);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, other)); /* when it is closed, rings are looked for */
    close(other[0]);
    close(other[1]);
    SHOW(read(pipes[0], &byte, 1)); /* the end: nobody has the other end */
    close(pipes[0]);
}

int main(void)
{
    try("from inside", from_inside);
    try("from outside", from_outside);
    try("ring", ring);
    return 0;
}
