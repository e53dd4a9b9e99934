/* pipe2(2) O_DIRECT: each write is a packet, each read takes one. */
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>

static char big[20000], back[20000];

int main(void)
{
    int p[2], count = 0, bytes = 0;
    MUST(pipe2(p, O_DIRECT | O_NONBLOCK));
    SHOW(fcntl(p[1], F_GETFL) == (O_DIRECT | O_NONBLOCK | O_WRONLY));
    SHOW(write(p[1], "one", 3));
    SHOW(write(p[1], "three", 5));
    SHOW(write(p[1], "", 0));
    SHOW(write(p[1], "six", 3));
    SHOW(ioctl(p[0], FIONREAD, &bytes));
    SHOW(bytes);
    SHOW(read(p[0], back, sizeof back));
    SHOW(read(p[0], back, 2)); /* the rest of the packet is lost */
    CHECK(!memcmp(back, "th", 2));
    SHOW(read(p[0], back, 100));
    CHECK(!memcmp(back, "six", 3));
    SHOW(read(p[0], back, 100));
    SHOW(write(p[1], big, 10000)); /* packets of PIPE_BUF */
    SHOW(read(p[0], back, sizeof back));
    SHOW(read(p[0], back, sizeof back));
    SHOW(read(p[0], back, sizeof back));
    SHOW(read(p[0], back, sizeof back));
    while (write(p[1], "x", 1) == 1)
        count++;
    SHOW(count);
    struct pollfd poll_write = {p[1], POLLOUT, 0};
    SHOW(poll(&poll_write, 1, 0));
    SHOW(read(p[0], back, 100));
    SHOW(poll(&poll_write, 1, 0));
    SHOW(write(p[1], "y", 1));
    while (read(p[0], back, 100) > 0)
        count--;
    SHOW(count);
    SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK));
    SHOW(write(p[1], "a", 1));
    SHOW(write(p[1], "b", 1));
    SHOW(read(p[0], back, 100));
    SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK | O_DIRECT));
    SHOW(write(p[1], "a", 1));
    SHOW(write(p[1], "b", 1));
    close(p[1]);
    SHOW(read(p[0], back, 100));
    SHOW(read(p[0], back, 100));
    SHOW(read(p[0], back, 100));
    close(p[0]);
    return 0;
}
