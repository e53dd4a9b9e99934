/* read(2), ERRORS: EFAULT for a buffer that reaches beyond the address space, before the file is
 * looked at; but after the descriptor is. */
#include "check.h"
#include <sys/socket.h>

#define FAR ((void *)-1)
#define HUGE 0x7fffffffffffffff

int main(void)
{
    char bytes[8];
    int ends[2], sockets[2];
    int file = open("f", O_CREAT | O_RDWR, 0600);
    int empty = open("/dev/null", O_RDWR);
    MUST(pipe2(ends, O_NONBLOCK));
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets));
    write(file, "abc", 3);
    SHOW(read(file, FAR, 1));
    SHOW(read(file, (void *)-4096, 0));
    SHOW(read(file, bytes, HUGE));
    SHOW(read(ends[0], FAR, 1));
    SHOW(read(sockets[0], FAR, 1));
    SHOW(recv(sockets[0], FAR, 1, 0));
    SHOW(send(sockets[0], FAR, 1, 0));
    SHOW(read(empty, (void *)-8, 4));
    SHOW(write(file, FAR, 0));
    SHOW(write(empty, bytes, HUGE));
    SHOW(pread(file, FAR, 1, 0));
    SHOW(pread(file, bytes, -1, 0));
    SHOW(pwrite(file, FAR, 1, 0));
    SHOW(pread(file, FAR, 1, -1));
    SHOW(pread(ends[0], FAR, 1, 0));
    SHOW(read(ends[1], FAR, 1));
    SHOW(pwrite(-1, FAR, 1, 0));
    SHOW(lseek(file, 0, SEEK_CUR));
    unlink("f");
    return 0;
}
