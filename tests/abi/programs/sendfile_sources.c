/* sendfile(2) from what has no size: devices and files of /proc; to files, pipes and sockets. */
#include "check.h"
#include <sys/sendfile.h>
#include <sys/socket.h>

static char back[70000], whole[70000];

int main(void)
{
    int p[2], s[2], zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_RDWR);
    int version = open("/proc/version", O_RDONLY), out = open("out", O_RDWR | O_CREAT, 0600);
    MUST(pipe(p));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(sendfile(p[1], zero, NULL, 100));
    SHOW(read(p[0], back, sizeof back));
    SHOW(sendfile(out, zero, NULL, 10000));
    SHOW(lseek(out, 0, SEEK_CUR));
    SHOW(sendfile(s[0], zero, NULL, 5000));
    SHOW(recv(s[1], back, 5000, MSG_WAITALL));
    long size = pread(version, whole, sizeof whole, 0);
    CHECK(size > 5);
    CHECK(sendfile(out, version, NULL, 100000) == size);
    CHECK(lseek(version, 0, SEEK_CUR) == size);
    SHOW(sendfile(out, version, NULL, 100000));
    CHECK(lseek(out, 0, SEEK_CUR) == 10000 + size);
    SHOW(pread(out, back, size, 10000) == size);
    CHECK(!memcmp(back, whole, size));
    off_t offset = 3;
    CHECK(sendfile(p[1], version, &offset, 100000) == size - 3);
    CHECK(offset == size);
    CHECK(read(p[0], back, sizeof back) == size - 3 && !memcmp(back, whole + 3, size - 3));
    SHOW(sendfile(null, out, NULL, 100));
    MUST(lseek(out, 0, SEEK_SET));
    SHOW(sendfile(null, out, NULL, 100));
    SHOW(sendfile(s[0], out, NULL, 50));
    SHOW(recv(s[1], back, 50, MSG_WAITALL));
    close(p[0]);
    close(p[1]);
    close(s[0]);
    close(s[1]);
    close(zero);
    close(null);
    close(version);
    close(out);
    SHOW(unlink("out"));
    return 0;
}
