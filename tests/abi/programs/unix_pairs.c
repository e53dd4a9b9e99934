/* unix(7), recv(2), socketpair(2): flags of reads and writes on connected pairs; counts of bytes under
 * way; shut halves; SIGPIPE. */
#include "sockets.h"
#include <linux/sockios.h>

static volatile int pipe_signals;

static void on_pipe(int number)
{
    (void)number;
    pipe_signals++;
}

static int waiting(int fd, unsigned long command)
{
    int bytes = -1;
    return ioctl(fd, command, &bytes) < 0 ? -errno : bytes;
}

static void flags(int type)
{
    int s[2];
    char text[32];
    MUST(socketpair(AF_UNIX, type, 0, s));
    MUST(send(s[0], "abcdef", 6, 0));
    MUST(send(s[0], "ghi", 3, 0));
    SHOW(waiting(s[1], SIOCINQ));
    CHECK(waiting(s[0], SIOCOUTQ) >= 9);
    SHOW(recv(s[1], text, 4, MSG_PEEK));
    SHOW(recv(s[1], text, 4, MSG_PEEK | MSG_TRUNC));
    SHOW(recv(s[1], text, 4, MSG_TRUNC));
    SHOW(waiting(s[1], FIONREAD));
    struct iovec parts[2] = {{text, 1}, {text + 8, 2}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    SHOW(recvmsg(s[1], &message, MSG_DONTWAIT));
    printf("flags %x\n", message.msg_flags);
    SHOW(recv(s[1], text, sizeof text, MSG_DONTWAIT | MSG_WAITALL));
    SHOW(recv(s[1], text, sizeof text, MSG_DONTWAIT));
    SHOW(waiting(s[0], SIOCOUTQ));
    SHOW(send(s[0], text, 300000, MSG_DONTWAIT) == 300000);
    SHOW(send(s[0], "x", 1, MSG_OOB | MSG_DONTWAIT) < 0 && type != SOCK_STREAM);
    close(s[0]);
    close(s[1]);
}

static void halves(int type)
{
    int s[2];
    char text[32];
    MUST(socketpair(AF_UNIX, type, 0, s));
    MUST(send(s[0], "last", 4, 0));
    SHOW(shutdown(s[0], SHUT_WR));
    SHOW(ready(s[0], POLLIN | POLLOUT | POLLRDHUP, 0));
    SHOW(ready(s[1], POLLIN | POLLOUT | POLLRDHUP, 0));
    pipe_signals = 0;
    SHOW(send(s[0], "x", 1, 0));
    SHOW(pipe_signals);
    SHOW(write(s[0], "x", 1));
    SHOW(pipe_signals);
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(pipe_signals);
    SHOW(recv(s[1], text, sizeof text, MSG_DONTWAIT));
    SHOW(recv(s[1], text, sizeof text, MSG_DONTWAIT));
    SHOW(send(s[1], "back", 4, MSG_NOSIGNAL));
    SHOW(recv(s[0], text, sizeof text, MSG_DONTWAIT));
    SHOW(shutdown(s[0], SHUT_RD));
    SHOW(send(s[1], "more", 4, MSG_NOSIGNAL | MSG_DONTWAIT));
    SHOW(recv(s[0], text, sizeof text, MSG_DONTWAIT));
    SHOW(ready(s[0], POLLIN | POLLOUT | POLLRDHUP, 0));
    SHOW(ready(s[1], POLLIN | POLLOUT | POLLRDHUP, 0));
    SHOW(shutdown(s[0], 3));
    close(s[0]);
    close(s[1]);
}

static void closing(int type)
{
    int s[2];
    char text[32];
    MUST(socketpair(AF_UNIX, type, 0, s));
    MUST(send(s[0], "unread", 6, 0));
    MUST(send(s[1], "read", 4, 0));
    close(s[1]);
    SHOW(ready(s[0], POLLIN | POLLOUT | POLLRDHUP, 0));
    SHOW(recv(s[0], text, 2, MSG_DONTWAIT));
    SHOW(recv(s[0], text, sizeof text, MSG_DONTWAIT));
    SHOW(recv(s[0], text, sizeof text, MSG_DONTWAIT));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(error_of(s[0]));
    close(s[0]);
}

static void unconnected(int type)
{
    char text[8];
    struct sockaddr_un no = {.sun_family = AF_UNIX, .sun_path = "not there"};
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
    SHOW(recv(fd, text, 8, 0));
    SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
    SHOW(sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&no, sizeof no));
    SHOW(shutdown(fd, SHUT_RD));
    SHOW(ready(fd, POLLIN | POLLOUT | POLLRDHUP, 0));
    SHOW(shutdown(fd, SHUT_WR));
    SHOW(ready(fd, POLLIN | POLLOUT | POLLRDHUP, 0));
    SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
    SHOW(listen(fd, 1));
    SHOW(accept(fd, NULL, NULL));
    close(fd);
}

static void types_and_numbers(void)
{
    int s[2], type;
    socklen_t length = sizeof type;
    SHOW(socketpair(77, SOCK_STREAM, 0, s));
    SHOW(socketpair(AF_INET, SOCK_STREAM, 0, s));
    SHOW(socketpair(AF_UNIX, 9, 0, s));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 2, s));
    MUST(socketpair(AF_UNIX, SOCK_RAW, PF_UNIX, s)); /* another name of SOCK_DGRAM */
    MUST(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &type, &length));
    CHECK(type == SOCK_DGRAM);
    close(s[0]);
    close(s[1]);
    s[0] = socket(AF_UNIX, SOCK_RAW, 0);
    MUST(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &type, &length));
    CHECK(type == SOCK_DGRAM);
    close(s[0]);
    SHOW(socket(AF_UNIX, SOCK_DGRAM, 2));
    SHOW(socket(AF_UNIX, 9, 0));
}

static void time_left(void)
{
    int s[2];
    char text[4];
    struct iovec part = {text, sizeof text};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
    struct timespec left = {5, 0};
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    MUST(send(s[1], "ab", 2, 0));
    SHOW(recvmmsg(s[0], &message, 1, 0, &left));
    CHECK(left.tv_sec == 4 && left.tv_nsec > 0);
    left = (struct timespec){5, 0};
    SHOW(recvmmsg(s[0], &message, 1, MSG_DONTWAIT, &left));
    CHECK(left.tv_sec == 5);
    close(s[0]);
    close(s[1]);
}

int main(void)
{
    const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
    const char *names[] = {"stream", "sequenced packets", "datagrams"};
    signal(SIGPIPE, on_pipe);
    types_and_numbers();
    time_left();
    for (int i = 0; i < 3; i++) {
        printf("-- %s\n", names[i]);
        flags(types[i]);
        halves(types[i]);
        closing(types[i]);
        unconnected(types[i]);
    }
    return 0;
}
