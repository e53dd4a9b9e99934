/* sendfile(2), copy_file_range(2): with and without an offset, at ends, to files and pipes. */
#include "check.h"
#include <sys/sendfile.h>

static char data[10000], back[20000];

int main(void)
{
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 11 + i / 256);
    int in = open("in", O_RDWR | O_CREAT, 0644), out = open("out", O_RDWR | O_CREAT, 0644), p[2];
    MUST(write(in, data, sizeof data));
    MUST(pipe(p));
    off_t offset = 5;
    SHOW(sendfile(out, in, &offset, 100));
    SHOW(offset);
    SHOW(lseek(in, 0, SEEK_CUR));
    SHOW(lseek(out, 0, SEEK_CUR));
    SHOW(sendfile(out, in, NULL, 100));
    SHOW(lseek(in, 4000, SEEK_SET));
    SHOW(sendfile(out, in, NULL, 1000000));
    SHOW(lseek(in, 0, SEEK_CUR));
    SHOW(lseek(out, 0, SEEK_CUR));
    SHOW(pread(out, back, sizeof back, 0));
    CHECK(!memcmp(back, data + 5, 100) && !memcmp(back + 100, data + 4000, 6000));
    offset = 4095;
    SHOW(sendfile(p[1], in, &offset, 4098));
    SHOW(read(p[0], back, sizeof back));
    CHECK(!memcmp(back, data + 4095, 4098));
    offset = 20000;
    SHOW(sendfile(p[1], in, &offset, 10));
    SHOW(offset);
    offset = -1;
    SHOW(sendfile(p[1], in, &offset, 10));
    SHOW(sendfile(p[1], in, NULL, 0));
    SHOW(sendfile(p[1], p[0], NULL, 10));
    SHOW(sendfile(99, in, NULL, 10));
    SHOW(sendfile(out, 99, NULL, 10));
    int reader = open("in", O_RDONLY), writer = open("out", O_WRONLY);
    SHOW(sendfile(reader, in, NULL, 10));
    SHOW(sendfile(out, writer, NULL, 10));

    off64_t from = 10, to = 3;
    SHOW(ftruncate(out, 0));
    SHOW(copy_file_range(in, &from, out, &to, 4100, 0));
    SHOW(from);
    SHOW(to);
    SHOW(pread(out, back, sizeof back, 0));
    CHECK(!memcmp(back, "\0\0\0", 3) && !memcmp(back + 3, data + 10, 4100));
    SHOW(lseek(in, 0, SEEK_SET));
    SHOW(lseek(out, 0, SEEK_SET));
    SHOW(copy_file_range(in, NULL, out, NULL, 50, 0));
    SHOW(lseek(in, 0, SEEK_CUR));
    SHOW(lseek(out, 0, SEEK_CUR));
    from = sizeof data;
    SHOW(copy_file_range(in, &from, out, NULL, 50, 0));
    SHOW(copy_file_range(in, NULL, out, NULL, 50, 1));
    SHOW(copy_file_range(writer, NULL, out, NULL, 50, 0));
    SHOW(copy_file_range(in, NULL, reader, NULL, 50, 0));
    SHOW(copy_file_range(in, NULL, p[1], NULL, 50, 0));
    from = 0;
    to = 20;
    SHOW(copy_file_range(in, &from, in, &to, 50, 0));
    close(reader);
    close(writer);
    close(in);
    close(out);
    close(p[0]);
    close(p[1]);
    unlink("in");
    SHOW(unlink("out"));
    return 0;
}
