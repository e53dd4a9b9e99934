/* open(2) O_APPEND: every kind of write, seeking, setting it later, and several descriptors. */
#include "check.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

static void show_file(const char *when)
{
    char text[128] = {0};
    int fd = open("f", O_RDONLY);
    long length = read(fd, text, sizeof text - 1);
    for (long i = 0; i < length; i++)
        if (text[i] == 0)
            text[i] = '.';
    printf("%s: %s\n", when, text);
    close(fd);
}

int main(void)
{
    struct iovec vector[2] = {{(char *)"v1", 2}, {(char *)"v2", 2}};
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0644), other = open("f", O_RDWR);
    MUST(write(fd, "abc", 3));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 0, SEEK_SET));
    MUST(write(fd, "def", 3));
    SHOW(lseek(fd, 0, SEEK_CUR));
    show_file("sought to the start");
    MUST(pwrite(other, "XX", 2, 6));
    MUST(write(fd, "g", 1));
    show_file("after another's write");
    SHOW(pwrite(fd, "P", 1, 0));
    show_file("pwrite"); /* pwrite(2) BUGS */
    SHOW(lseek(fd, 0, SEEK_CUR));
    MUST(lseek(fd, 1, SEEK_SET));
    SHOW(writev(fd, vector, 2));
    SHOW(pwritev(fd, vector, 1, 0));
    show_file("vectors");
    char byte;
    MUST(lseek(fd, 0, SEEK_SET));
    MUST(read(fd, &byte, 1)); /* reading is where it was */
    SHOW(byte);
    MUST(ftruncate(fd, 2));
    MUST(write(fd, "t", 1));
    show_file("truncated");

    SHOW(fcntl(fd, F_SETFL, 0));
    MUST(lseek(fd, 0, SEEK_SET));
    MUST(write(fd, "0", 1));
    show_file("without it");
    SHOW(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
    CHECK((fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK)) == (O_APPEND | O_NONBLOCK));
    MUST(write(fd, "1", 1));
    show_file("with it again");
    SHOW(fcntl(fd, F_SETFL, 0));
    SHOW(pwritev2(fd, vector, 2, 0, RWF_APPEND));
    show_file("RWF_APPEND");
    MUST(lseek(fd, 1, SEEK_SET));
    SHOW(pwritev2(fd, vector, 1, -1, RWF_APPEND));
    show_file("RWF_APPEND at the offset");
    close(fd);
    close(other);

    fd = open("f", O_WRONLY | O_APPEND);
    int source = open("f", O_RDONLY);
    off_t from = 0;
    SHOW(copy_file_range(source, &from, fd, NULL, 2, 0));
    SHOW(lseek(fd, 100, SEEK_SET));
    MUST(write(fd, "end", 3));
    SHOW(lseek(fd, 0, SEEK_CUR));
    show_file("sought past the end"); /* no hole */
    close(fd);
    close(source);
    unlink("f");
    return 0;
}
