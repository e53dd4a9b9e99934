/* eventfd(2): counter and semaphore, limits, blocking, readiness. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

static int polled(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static long put(int fd, uint64_t value) { return write(fd, &value, 8); }

static long take(int fd)
{
    uint64_t value = 0;
    long got = read(fd, &value, 8);
    return got == 8 ? (long)value : got;
}

static void *take_one(void *fd) { return (void *)take((int)(long)fd); }
static void *put_two(void *fd) { return (void *)put((int)(long)fd, 2); }

int main(void)
{
    char bytes[16];
    int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
    MUST(fd);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(polled(fd));
    SHOW(take(fd));
    SHOW(polled(fd));
    SHOW(take(fd));
    SHOW(put(fd, 5));
    SHOW(put(fd, 6));
    SHOW(take(fd));
    SHOW(put(fd, 0));
    SHOW(take(fd));
    SHOW(put(fd, UINT64_MAX));
    SHOW(put(fd, UINT64_MAX - 1));
    SHOW(polled(fd));
    SHOW(put(fd, 1));
    SHOW(put(fd, 0));
    CHECK(take(fd) == (long)(UINT64_MAX - 1));
    SHOW(read(fd, bytes, 7));
    SHOW(write(fd, bytes, 7));
    SHOW(pread(fd, bytes, 8, 0));
    SHOW(lseek(fd, 0, SEEK_SET) >= -1);
    close(fd);

    fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    SHOW(take(fd));
    SHOW(take(fd));
    SHOW(take(fd));
    close(fd);
    SHOW(eventfd(0, 0x4));

    pthread_t thread;
    void *result;
    fd = eventfd(0, 0);
    pthread_create(&thread, NULL, take_one, (void *)(long)fd);
    sleep_ms(20);
    SHOW(put(fd, 7));
    pthread_join(thread, &result);
    SHOW(result);
    SHOW(put(fd, UINT64_MAX - 2));
    pthread_create(&thread, NULL, put_two, (void *)(long)fd);
    sleep_ms(20);
    CHECK(take(fd) == (long)(UINT64_MAX - 2));
    pthread_join(thread, &result);
    SHOW(result);
    SHOW(take(fd));
    close(fd);
    return 0;
}
