/* fork(2) with unix(7) and tcp(7): descriptors that are inherited, passed and closed between processes;
 * credentials of each; several processes that accept from one listener. */
#include "sockets.h"
#include <sys/epoll.h>
#include <sys/wait.h>

static int status_of(pid_t pid)
{
    int status = -1;
    MUST(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void say(const char *what)
{
    printf("%s\n", what);
    fflush(stdout);
}

/* The end is there when the last process has closed. */
static void inherited(void)
{
    int s[2];
    char text[32];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    fflush(stdout);
    pid_t pid = fork();
    MUST(pid);
    if (pid == 0) {
        close(s[0]);
        long got = read(s[1], text, sizeof text);
        write(s[1], text, got);
        got = read(s[1], text, sizeof text);
        _exit(got == 0 ? 7 : 8);
    }
    close(s[1]);
    SHOW(write(s[0], "echo", 4));
    SHOW(read(s[0], text, sizeof text));
    SHOW(shutdown(s[0], SHUT_WR));
    SHOW(status_of(pid));
    SHOW(read(s[0], text, sizeof text));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    close(s[0]);
}

static long give(int fd, int what)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec one = {"x", 1};
    struct msghdr m = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(c), &what, sizeof what);
    return sendmsg(fd, &m, 0);
}

static int take(int fd)
{
    char control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))], byte;
    struct iovec one = {&byte, 1};
    struct msghdr m = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int got = -1;
    if (recvmsg(fd, &m, 0) != 1)
        return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_type == SCM_RIGHTS)
            memcpy(&got, CMSG_DATA(c), sizeof got);
    return got;
}

/* A pipe's end made in one process, written in the other. */
static void passed(void)
{
    int s[2], p[2];
    char text[16] = {0};
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(s[0]);
        MUST(pipe(p));
        give(s[1], p[1]);
        close(p[1]);
        long got = read(p[0], text, sizeof text);
        _exit(got == 5 && !memcmp(text, "hello", 5) && read(p[0], text, 1) == 0 ? 0 : 1);
    }
    close(s[1]);
    int end = take(s[0]);
    CHECK(end >= 0);
    SHOW(write(end, "hello", 5));
    close(end);
    SHOW(status_of(pid));
    close(s[0]);
}

static void credentials(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0forked"};
    socklen_t length = sizeof(sa_family_t) + 7;
    int server = socket(AF_UNIX, SOCK_STREAM, 0), on = 1;
    MUST(bind(server, (struct sockaddr *)&a, length));
    MUST(listen(server, 4));
    MUST(setsockopt(server, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    fflush(stdout);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        MUST(setgid(55));
        MUST(setuid(44));
        MUST(connect(fd, (struct sockaddr *)&a, length));
        struct ucred who;
        socklen_t size = sizeof who;
        MUST(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size));
        MUST(write(fd, "x", 1));
        char byte;
        MUST(read(fd, &byte, 1));
        _exit(who.pid == parent && who.uid == 0 ? 0 : 1);
    }
    int end = accept(server, NULL, NULL);
    struct ucred who;
    socklen_t size = sizeof who;
    MUST(getsockopt(end, SOL_SOCKET, SO_PEERCRED, &who, &size));
    CHECK(who.pid == pid && who.uid == 44 && who.gid == 55);
    char control[CMSG_SPACE(sizeof who)], byte;
    struct iovec one = {&byte, 1};
    struct msghdr m = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    SHOW(recvmsg(end, &m, 0)); /* an accepted socket has SO_PASSCRED of its listener */
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    CHECK(c && c->cmsg_type == SCM_CREDENTIALS);
    memcpy(&who, CMSG_DATA(c), sizeof who);
    CHECK(who.pid == pid && who.uid == 44 && who.gid == 55);
    SHOW(write(end, "x", 1));
    SHOW(status_of(pid));
    close(end);
    close(server);
}

#define WORKERS 3
#define CLIENTS 60

/* Serves until it is told 'q': echoes its number, which nobody may depend on. */
static void work(int server, int number, int how)
{
    int epoll = epoll_create1(0);
    struct epoll_event event = {EPOLLIN | (how > 0 ? EPOLLEXCLUSIVE : 0), {0}};
    if (how >= 0)
        MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, server, &event));
    for (int served = 0;;) {
        char byte = 0;
        if (how >= 0)
            MUST(epoll_wait(epoll, &event, 1, -1));
        int fd = accept4(server, NULL, NULL, 0);
        if (fd < 0)
            continue;
        MUST(read(fd, &byte, 1));
        served++;
        write(fd, &byte, 1);
        close(fd);
        if (byte == 'q')
            _exit(number);
    }
}

static void request(int server, char byte)
{
    char back = 0;
    int fd = connected(server);
    MUST(write(fd, &byte, 1));
    MUST(read(fd, &back, 1));
    if (back != byte)
        say("a wrong answer");
    close(fd);
}

/* `how`: -1 blocked in accept(2), 0 in epoll_wait(2), 1 the same with EPOLLEXCLUSIVE. */
static void prefork(int how)
{
    int server = listener(64);
    pid_t workers[WORKERS];
    if (how >= 0)
        fcntl(server, F_SETFL, O_NONBLOCK);
    fflush(stdout);
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = fork();
        MUST(workers[i]);
        if (workers[i] == 0)
            work(server, i + 10, how);
    }
    sleep_ms(20);
    for (int i = 0; i < CLIENTS; i++)
        request(server, 'x');
    for (int i = 0; i < WORKERS; i++)
        request(server, 'q');
    int sum = 0;
    for (int i = 0; i < WORKERS; i++)
        sum += status_of(workers[i]);
    SHOW(sum);
    close(server);
}

/* A connection that two processes hold is closed when both have; the child's exit does not reset it. */
static void shared_connection(void)
{
    int s[2];
    char text[8];
    tcp_pair(s);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(s[0]);
        write(s[1], "child", 5);
        _exit(0);
    }
    SHOW(status_of(pid));
    SHOW(recv(s[0], text, 5, MSG_WAITALL));
    SHOW(recv(s[0], text, 5, MSG_DONTWAIT));
    SHOW(write(s[1], "more", 4));
    SHOW(recv(s[0], text, 4, MSG_WAITALL));
    close(s[1]);
    SHOW(recv(s[0], text, 5, 0));
    close(s[0]);
}

/* The writer is killed by SIGPIPE; a listener outlives the process that made it. */
static void killed(void)
{
    int s[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(s[0]);
        sleep_ms(20);
        write(s[1], "x", 1);
        _exit(0);
    }
    close(s[0]);
    close(s[1]);
    SHOW(status_of(pid) == 1000 + SIGPIPE);
}

int main(void)
{
    inherited();
    passed();
    credentials();
    prefork(-1);
    prefork(0);
    prefork(1);
    shared_connection();
    killed();
    return 0;
}
