/* fifo(7), mkfifo(3): opening waits for the other side; O_NONBLOCK; both sides at once. */
#include "check.h"
#include <poll.h>
#include <pthread.h>

static void *writes(void *arg)
{
    sleep_ms(15);
    int fd = open("p", O_WRONLY);
    MUST(write(fd, "through", 7));
    close(fd);
    return arg;
}

static void *reads(void *arg)
{
    char text[8] = {0};
    sleep_ms(15);
    int fd = open("p", O_RDONLY);
    MUST(read(fd, text, 7));
    printf("%s\n", text);
    close(fd);
    return arg;
}

int main(void)
{
    char text[16] = {0};
    struct stat st;
    pthread_t thread;
    SHOW(mkfifo("p", 0644));
    SHOW(mkfifo("p", 0644));
    stat("p", &st);
    CHECK(S_ISFIFO(st.st_mode));
    SHOW(open("p", O_WRONLY | O_NONBLOCK)); /* nobody reads */
    int reader = open("p", O_RDONLY | O_NONBLOCK);
    SHOW(read(reader, text, 1)); /* nobody writes: end of file */
    int writer = open("p", O_WRONLY | O_NONBLOCK);
    CHECK(reader >= 0 && writer >= 0);
    SHOW(read(reader, text, 1));
    SHOW(write(writer, "ab", 2));
    SHOW(read(reader, text, 8));
    struct pollfd poll_reader = {reader, POLLIN, 0};
    close(writer);
    SHOW(poll(&poll_reader, 1, 0));
    SHOW(poll_reader.revents);
    SHOW(read(reader, text, 1));
    close(reader);

    pthread_create(&thread, NULL, writes, NULL);
    reader = open("p", O_RDONLY); /* waits for the writer */
    memset(text, 0, sizeof text);
    SHOW(read(reader, text, sizeof text));
    printf("%s\n", text);
    pthread_join(thread, NULL);
    SHOW(read(reader, text, 1));
    close(reader);
    pthread_create(&thread, NULL, reads, NULL);
    writer = open("p", O_WRONLY);
    MUST(write(writer, "waited", 6));
    pthread_join(thread, NULL);
    close(writer);
    int both = open("p", O_RDWR); /* fifo(7): never waits on Linux */
    SHOW(write(both, "own", 3));
    SHOW(read(both, text, 3));
    SHOW(lseek(both, 0, SEEK_SET));
    SHOW(ftruncate(both, 0));
    close(both);
    SHOW(open("p", O_RDONLY | O_DIRECTORY));
    SHOW(truncate("p", 0));
    SHOW(unlink("p"));
    return 0;
}
