/* getrandom(2), random(4): lengths, flags and errors; numbers that differ. */
#include "check.h"
#include <poll.h>
#include <sys/random.h>

static int distinct(const unsigned char *bytes, int count)
{
    int seen[256] = {0}, kinds = 0;
    for (int i = 0; i < count; i++)
        kinds += seen[bytes[i]]++ == 0;
    return kinds;
}

int main(void)
{
    unsigned char a[4096], b[4096];
    SHOW(getrandom(a, 0, 0));
    SHOW(getrandom(a, 1, 0));
    SHOW(getrandom(a, 256, GRND_NONBLOCK));
    SHOW(getrandom(b, 256, GRND_RANDOM));
    CHECK(memcmp(a, b, 256) != 0);
    SHOW(getrandom(a, sizeof a, GRND_INSECURE));
    CHECK(distinct(a, sizeof a) > 200);
    SHOW(getrandom(a, 8, GRND_INSECURE | GRND_RANDOM));
    SHOW(getrandom(a, 8, 0x100));
    SHOW(getrandom((void *)1, 8, 0));
    SHOW(getentropy(a, 256));
    SHOW(getentropy(a, 257));
    for (int i = 0; i < 2; i++) {
        int fd = open(i ? "/dev/urandom" : "/dev/random", O_RDWR);
        struct pollfd one = {fd, POLLIN | POLLOUT, 0};
        SHOW(read(fd, a, 1000));
        SHOW(read(fd, b, 1000));
        CHECK(memcmp(a, b, 1000) != 0 && distinct(a, 1000) > 150);
        SHOW(write(fd, "seed", 4));
        SHOW(poll(&one, 1, 0));
        close(fd);
    }
    return 0;
}
