/* open(2), accept(2), ERRORS, EMFILE: without room for a descriptor no file is cut, and a connection
 * stays in the queue. */
#include "sockets.h"
#include <sys/resource.h>

static struct rlimit before;

static void fill(void)
{
    int lowest = dup(0);
    close(lowest);
    MUST(getrlimit(RLIMIT_NOFILE, &before));
    struct rlimit now = {lowest, before.rlim_max};
    MUST(setrlimit(RLIMIT_NOFILE, &now));
}

static void make_room(void)
{
    MUST(setrlimit(RLIMIT_NOFILE, &before));
}

static void opening(void)
{
    struct stat status;
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    MUST(write(fd, "abc", 3));
    fill();
    SHOW(open("f", O_RDWR | O_TRUNC));
    SHOW(open("none", O_RDWR));
    SHOW(open("none", O_RDWR | O_CREAT, 0600));
    make_room();
    MUST(fstat(fd, &status));
    SHOW(status.st_size);
    SHOW(access("none", F_OK));
    close(fd);
    unlink("f");
}

static void accepting(int listening, int client)
{
    char byte;
    CHECK(ready(listening, POLLIN, 2000) == POLLIN);
    fill();
    SHOW(accept4(listening, NULL, NULL, SOCK_NONBLOCK));
    make_room();
    int accepted = accept4(listening, NULL, NULL, 0);
    CHECK(accepted >= 0);
    SHOW(write(accepted, "x", 1));
    SHOW(read(client, &byte, 1));
    close(accepted);
    close(client);
    close(listening);
}

int main(void)
{
    struct sockaddr_un name = {AF_UNIX, "socket"};
    opening();
    int listening = listener(4);
    accepting(listening, connected(listening));
    listening = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(bind(listening, (void *)&name, sizeof name));
    MUST(listen(listening, 4));
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(connect(client, (void *)&name, sizeof name));
    accepting(listening, client);
    unlink("socket");
    return 0;
}
