/* truncate(2), ftruncate(2): shorter and longer, zeroes where bytes were, and the errors. */
#include "check.h"

static void show_bytes(int fd, const char *when)
{
    char text[40] = {0};
    long length = pread(fd, text, sizeof text - 1, 0);
    for (long i = 0; i < length; i++)
        if (text[i] == 0)
            text[i] = '.';
    printf("%s: %ld %s\n", when, length, text);
}

int main(void)
{
    struct stat st;
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644), other = open("f", O_RDONLY), p[2];
    MUST(write(fd, "0123456789", 10));
    SHOW(ftruncate(fd, 4));
    SHOW(lseek(fd, 0, SEEK_CUR)); /* the offset stays */
    MUST(write(fd, "x", 1));
    show_bytes(other, "written past the end");
    SHOW(truncate("f", 20));
    show_bytes(other, "longer");
    SHOW(truncate("f", 0));
    show_bytes(other, "empty");
    SHOW(ftruncate(fd, 5000));
    fstat(fd, &st);
    SHOW(st.st_size);
    MUST(pwrite(fd, "abc", 3, 4094)); /* over a page's border */
    SHOW(ftruncate(fd, 4095));
    SHOW(ftruncate(fd, 4098));
    char bytes[4] = "....";
    MUST(pread(fd, bytes, 4, 4094));
    printf("%d %d %d %d\n", bytes[0], bytes[1], bytes[2], bytes[3]);

    SHOW(ftruncate(fd, -1));
    SHOW(truncate("f", -1));
    SHOW(truncate("absent", 0));
    SHOW(truncate(".", 0));
    SHOW(truncate("f/x", 0));
    SHOW(truncate((char *)1, 0));
    SHOW(ftruncate(other, 0));
    SHOW(ftruncate(99, 0));
    MUST(pipe(p));
    SHOW(ftruncate(p[1], 0));
    int directory = open(".", O_RDONLY), null = open("/dev/null", O_WRONLY);
    SHOW(ftruncate(directory, 0));
    SHOW(ftruncate(null, 0));
    SHOW(truncate("/dev/null", 0));
    close(p[0]);
    close(p[1]);
    close(directory);
    close(null);
    close(fd);
    close(other);
    unlink("f");
    return 0;
}
