/* truncate(2), ftruncate(2): shorter and longer, zeroes where bytes were, and the errors. */
#include "check.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <signal.h>

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
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    map[4096] = 'm';
    SHOW(ftruncate(fd, 4096));
    SHOW(ftruncate(fd, 8192));
    SHOW(map[4096]); /* cleared, though it was mapped */
    munmap(map, 8192);

    SHOW(ftruncate(fd, -1));
    SHOW(truncate("f", -1));
    SHOW(truncate("f", INT64_MAX));
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
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {10000, RLIM_INFINITY}, old;
    getrlimit(RLIMIT_FSIZE, &old);
    setrlimit(RLIMIT_FSIZE, &limit);
    SHOW(ftruncate(fd, 10000));
    SHOW(ftruncate(fd, 10001));
    SHOW(pwrite(fd, "abc", 3, 9999)); /* as much as is allowed */
    SHOW(pwrite(fd, "abc", 3, 10000));
    setrlimit(RLIMIT_FSIZE, &old);
    close(p[0]);
    close(p[1]);
    close(directory);
    close(null);
    close(fd);
    close(other);
    unlink("f");
    return 0;
}
