/* unix(7) SCM_RIGHTS: what arrives is the same open file; close-on-exec, truncation, what nobody takes. */
#include "sockets.h"

static long pass(int socket, const int *fds, int count)
{
    char control[CMSG_SPACE(4 * sizeof(int))] = {0};
    struct iovec one = {"x", 1};
    struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control};
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    return sendmsg(socket, &message, 0);
}

/* Takes descriptors into `fds`, with room for `room`; how many came. */
static int take(int socket, int *fds, int room, int flags)
{
    char control[CMSG_SPACE(4 * sizeof(int))], byte;
    struct iovec one = {&byte, 1};
    struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control};
    message.msg_controllen = room ? CMSG_LEN(room * sizeof(int)) : 0;
    long got = recvmsg(socket, &message, flags);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    int count = header ? (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
    printf("took %ld bytes, flags %x, %d descriptors\n", got, message.msg_flags & ~MSG_CMSG_CLOEXEC, count);
    if (header)
        memcpy(fds, CMSG_DATA(header), count * sizeof(int));
    return count;
}

int main(void)
{
    int s[2], p[2], fds[4], file = open("f", O_RDWR | O_CREAT, 0644);
    char text[8] = {0};
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    MUST(pipe(p));
    MUST(write(file, "abcdef", 6));
    SHOW(pass(s[0], &file, 1));
    SHOW(take(s[1], fds, 4, 0));
    CHECK(fds[0] != file);
    SHOW(lseek(fds[0], 2, SEEK_SET));
    SHOW(lseek(file, 0, SEEK_CUR));
    SHOW(fcntl(fds[0], F_GETFD));
    close(fds[0]);
    SHOW(pass(s[0], (int[]){p[0], p[1]}, 2));
    SHOW(take(s[1], fds, 4, MSG_CMSG_CLOEXEC));
    SHOW(fcntl(fds[1], F_GETFD));
    SHOW(write(fds[1], "hi", 2));
    SHOW(read(p[0], text, 8));
    close(fds[0]);
    close(fds[1]);
    SHOW(pass(s[0], (int[]){p[0], p[1]}, 2));
    SHOW(take(s[1], fds, 1, 0)); /* MSG_CTRUNC: the other is closed */
    close(fds[0]);
    SHOW(pass(s[0], &p[1], 1));
    SHOW(take(s[1], fds, 0, 0));
    SHOW(pass(s[0], (int[]){99}, 1));
    SHOW(pass(s[0], &p[1], 1));
    close(p[1]);
    SHOW(ready(p[0], POLLIN, 0)); /* the one on its way keeps the pipe open */
    close(s[0]);
    close(s[1]);
    SHOW(ready(p[0], POLLIN, 0));
    close(p[0]);
    close(file);
    unlink("f");
    return 0;
}
