/* tcp(7): TCP_INFO in each state of a connection, options an accepted socket has of its listener, TCP_MAXSEG,
 * counts of bytes; urgent data, of which there is none. */
#include "sockets.h"
#include <linux/sockios.h>

static void state(int fd)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    memset(&info, 0xee, sizeof info);
    SHOW(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
    printf("state %d\n", info.tcpi_state);
}

static void numbers(int fd)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    memset(&info, 0, sizeof info);
    MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
    CHECK(info.tcpi_snd_mss >= 536 && info.tcpi_rcv_mss >= 88);
    CHECK(info.tcpi_rtt < 5000000 && info.tcpi_rto > 0);
    CHECK(info.tcpi_snd_cwnd > 0 && info.tcpi_pmtu >= 576);
    CHECK(info.tcpi_unacked == 0 && info.tcpi_retransmits == 0);
}

static int waiting(int fd, unsigned long command)
{
    int bytes = -1;
    return ioctl(fd, command, &bytes) < 0 ? -errno : bytes;
}

int main(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, value;
    socklen_t length;
    state(fd);
    close(fd);
    fd = listener(3);
    state(fd);
    SHOW(waiting(fd, SIOCINQ) == -EINVAL);
    SHOW(waiting(fd, SIOCOUTQ) == -EINVAL);
    MUST(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
    MUST(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    value = 77;
    MUST(setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, sizeof value));
    struct timeval t = {3, 0};
    MUST(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    int client = connected(fd), end = accept(fd, NULL, NULL);
    MUST(end);
    const int options[][2] = {{SOL_SOCKET, SO_KEEPALIVE}, {IPPROTO_TCP, TCP_NODELAY}, {IPPROTO_TCP, TCP_KEEPIDLE},
                              {SOL_SOCKET, SO_ACCEPTCONN}};
    for (int i = 0; i < 4; i++) {
        length = sizeof value;
        MUST(getsockopt(end, options[i][0], options[i][1], &value, &length));
        SHOW(value);
    }
    length = sizeof t;
    MUST(getsockopt(end, SOL_SOCKET, SO_RCVTIMEO, &t, &length));
    SHOW(t.tv_sec);
    length = sizeof value;
    MUST(getsockopt(client, IPPROTO_TCP, TCP_MAXSEG, &value, &length));
    CHECK(value >= 536);
    state(client);
    MUST(write(client, "hello", 5));
    ready(end, POLLIN, 1000);
    SHOW(waiting(end, SIOCINQ));
    SHOW(waiting(end, SIOCATMARK));
    char text[8];
    SHOW(read(end, text, 8));
    sleep_ms(60);
    SHOW(waiting(client, SIOCOUTQ));
    numbers(client);
    numbers(end);
    SHOW(recv(end, text, 8, MSG_OOB | MSG_DONTWAIT));
    SHOW(shutdown(client, SHUT_WR));
    ready(end, POLLIN, 1000);
    state(end);
    sleep_ms(60);
    state(client);
    close(client);
    close(end);
    close(fd);
    return 0;
}
