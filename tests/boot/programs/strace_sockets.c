/* System calls about sockets. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static void local(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int server = syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    syscall(SYS_bind, server, &address, sizeof address);
    syscall(SYS_listen, server, 5);
    int client = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    syscall(SYS_connect, client, &address, offsetof(struct sockaddr_un, sun_path) + 7);
    struct sockaddr_un peer;
    socklen_t size = sizeof peer;
    int served = syscall(SYS_accept4, server, &peer, &size, SOCK_NONBLOCK);
    size = sizeof peer;
    syscall(SYS_getsockname, served, &peer, &size);
    int rights[1] = {server};
    char control[CMSG_SPACE(sizeof rights)] = {0};
    struct iovec part = {"message", 7};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_len = CMSG_LEN(sizeof rights);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(header), rights, sizeof rights);
    syscall(SYS_sendmsg, client, &message, MSG_NOSIGNAL);
    char buffer[64];
    struct iovec into = {buffer, sizeof buffer};
    struct msghdr received = {.msg_iov = &into, .msg_iovlen = 1};
    syscall(SYS_recvmsg, served, &received, 0);
    syscall(SYS_recvfrom, served, buffer, 64, MSG_DONTWAIT, NULL, NULL);
    syscall(SYS_shutdown, client, SHUT_WR);
    syscall(SYS_recvfrom, served, buffer, 64, 0, NULL, NULL);
    int pair[2];
    syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET, 0, pair);
}

static void internet(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7777)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, IPPROTO_TCP);
    int one = 1;
    syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    syscall(SYS_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct linger linger = {1, 5};
    syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    socklen_t size = sizeof one;
    syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &one, &size);
    syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &one, &size);
    syscall(SYS_connect, fd, &address, sizeof address);
    int datagrams = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
    syscall(SYS_bind, datagrams, &address, sizeof address);
    syscall(SYS_sendto, datagrams, "datagram", 8, 0, &address, sizeof address);
    char buffer[16];
    struct sockaddr_in from;
    size = sizeof from;
    syscall(SYS_recvfrom, datagrams, buffer, 16, 0, &from, &size);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    six.sin6_addr = in6addr_loopback;
    int fd6 = syscall(SYS_socket, AF_INET6, SOCK_DGRAM, 0);
    syscall(SYS_bind, fd6, &six, 5);
    syscall(SYS_connect, 99, &six, sizeof six);
}

int main(void) {
    syscall(SYS_access, "/begin", F_OK);
    local();
    internet();
    syscall(SYS_access, "/end", F_OK);
    return 0;
}
