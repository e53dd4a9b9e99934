/* recv(2), sendmsg(2), recvmsg(2) on TCP: PEEK, DONTWAIT, WAITALL, timeouts, vectors, a full peer. */
#include "sockets.h"
#include <sys/sendfile.h>

static char big[300000], back[300000];

static void *send_late(void *fd)
{
    sleep_ms(30);
    return (void *)send((int)(long)fd, "67890", 5, 0);
}

static void *send_big(void *fd) { return (void *)send((int)(long)fd, big, sizeof big, 0); }

static void large(int s[2])
{
    pthread_t thread;
    void *sent;
    for (unsigned i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 13 + i / 4093);
    pthread_create(&thread, NULL, send_big, (void *)(long)s[0]);
    SHOW(recv(s[1], back, sizeof back, MSG_WAITALL));
    pthread_join(thread, &sent);
    SHOW(sent);
    CHECK(memcmp(big, back, sizeof big) == 0);
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    MUST(write(fd, big, 10000));
    off_t offset = 1;
    SHOW(sendfile(s[0], fd, &offset, 9000));
    SHOW(offset);
    SHOW(recv(s[1], back, 9000, MSG_WAITALL));
    CHECK(memcmp(big + 1, back, 9000) == 0);
    close(fd);
    unlink("f");
    MUST(fcntl(s[0], F_SETFL, O_NONBLOCK));
    long total = 0, n;
    while ((n = send(s[0], big, sizeof big, 0)) > 0)
        total += n;
    SHOW(n);
    SHOW(ready(s[0], POLLOUT, 0));
    while (total > 0 && (n = recv(s[1], back, sizeof back, 0)) > 0)
        total -= n;
    SHOW(total);
    SHOW(ready(s[0], POLLOUT, 2000));
    SHOW(recv(s[1], back, 1, MSG_DONTWAIT));
}

int main(void)
{
    int s[2], bytes;
    char text[32] = {0}, more[32] = {0};
    tcp_pair(s);
    SHOW(recv(s[0], text, 1, MSG_DONTWAIT));
    SHOW(send(s[1], "12345", 5, 0));
    SHOW(ready(s[0], POLLIN, 2000));
    SHOW(ioctl(s[0], FIONREAD, &bytes));
    SHOW(bytes);
    SHOW(recv(s[0], text, sizeof text, MSG_PEEK));
    SHOW(recv(s[0], text, 2, MSG_PEEK));
    SHOW(recv(s[0], text, 2, 0));
    CHECK(!memcmp(text, "12345", 5));
    SHOW(recv(s[0], more, 1, 0));
    pthread_t thread;
    pthread_create(&thread, NULL, send_late, (void *)(long)s[1]);
    memset(text, 0, sizeof text);
    SHOW(recv(s[0], text, 7, MSG_WAITALL));
    pthread_join(thread, NULL);
    printf("%s\n", text);

    struct timeval t = {0, 30000};
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    long before = now_ms();
    SHOW(recv(s[0], text, 1, 0));
    CHECK(now_ms() - before >= 29);
    MUST(send(s[1], "ab", 2, 0));
    SHOW(recv(s[0], text, 5, MSG_WAITALL));
    t.tv_usec = 0;
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));

    struct iovec out[] = {{"one", 3}, {"", 0}, {"two", 3}}, in[] = {{text, 4}, {more, 10}};
    struct msghdr message = {.msg_iov = out, .msg_iovlen = 3};
    SHOW(sendmsg(s[1], &message, 0));
    SHOW(ready(s[0], POLLIN, 2000));
    struct sockaddr_in from;
    message = (struct msghdr){.msg_iov = in, .msg_iovlen = 2, .msg_name = &from, .msg_namelen = sizeof from};
    SHOW(recvmsg(s[0], &message, MSG_PEEK));
    SHOW(recvmsg(s[0], &message, 0));
    CHECK(!memcmp(text, "onet", 4) && !memcmp(more, "wo", 2));
    SHOW(message.msg_flags);
    SHOW(message.msg_namelen);
    SHOW(message.msg_controllen);
    struct sockaddr_in somewhere = loopback(1);
    SHOW(sendto(s[0], "x", 1, 0, (struct sockaddr *)&somewhere, sizeof somewhere));
    SHOW(recv(s[1], text, 5, 0));
    SHOW(writev(s[0], out, 3));
    SHOW(recv(s[1], text, 6, MSG_WAITALL));
    SHOW(readv(s[1], in, 0));
    SHOW(send(s[0], (void *)8, 1, 0));
    SHOW(recv(s[0], text, 1, MSG_OOB));
    large(s);
    SHOW(send(s[1], "abcdef", 6, 0));
    SHOW(ready(s[0], POLLIN, 2000));
    memset(text, '.', sizeof text);
    SHOW(recv(s[0], NULL, 2, MSG_TRUNC)); /* bytes that are thrown away */
    SHOW(recv(s[0], text, 2, MSG_TRUNC));
    SHOW(recv(s[0], text, 4, 0));
    printf("%.4s\n", text);
    close(s[0]);
    close(s[1]);
    return 0;
}
