/* A descriptor of every kind, and memory of every kind, for a worker to try its calls on. */
#include "fuzz.h"

enum { NONBLOCKING = 0x800, READ_WRITE = 3 };

static int *add(int *fds, long fd)
{
    *fds = (int)fd;
    return fds + 1;
}

static int *add_two(int *fds, const int *two)
{
    return add(add(fds, two[0]), two[1]);
}

static long open_path(const char *path, int flags)
{
    return CALL(open, (word)path, flags, 0700);
}

static int *add_files(int *fds)
{
    enum { RDWR = 2, CREATE = 0x40, DIRECTORY = 0x10000, PATH_ONLY = 0x200000 };
    fds = add(fds, open_path("/fuzz", 0));
    fds = add(fds, open_path("/work", DIRECTORY));
    fds = add(fds, open_path("/tmp", DIRECTORY));
    fds = add(fds, open_path("/tmp/f", RDWR | CREATE));
    fds = add(fds, open_path("a", RDWR | CREATE));
    fds = add(fds, open_path("/tmp", PATH_ONLY));
    static const char *const special[] = {
        "/proc/self/maps", "/proc/self/status", "/proc", "/proc/self/fd", "/proc/meminfo",
        "/proc/sys/kernel/hostname", "/proc/net/tcp",
    };
    for (unsigned i = 0; i < sizeof special / sizeof *special; i++)
        fds = add(fds, open_path(special[i], 0));
    fds = add(fds, open_path("/dev/null", RDWR));
    fds = add(fds, open_path("/dev/zero", RDWR));
    fds = add(fds, open_path("/dev/urandom", 0));
    return add(fds, open_path("/dev/ptmx", RDWR | NONBLOCKING));
}

static int *add_events(int *fds)
{
    word signals = 1ul << 9;
    fds = add(fds, CALL(eventfd2, 3, NONBLOCKING));
    fds = add(fds, CALL(eventfd2, 0, 1));
    fds = add(fds, CALL(timerfd_create, 1, NONBLOCKING));
    fds = add(fds, CALL(signalfd4, -1, (word)&signals, 8, NONBLOCKING));
    fds = add(fds, CALL(epoll_create1, 0));
    fds = add(fds, CALL(epoll_create1, 0));
    fds = add(fds, CALL(inotify_init1, NONBLOCKING));
    fds = add(fds, CALL(memfd_create, (word) "m", 2));
    fds = add(fds, CALL(pidfd_open, CALL(getpid), 0));
    return add(fds, CALL(mq_open, (word) "q0", 0102 | NONBLOCKING, 0600, 0));
}

struct internet {
    unsigned short family, port;
    unsigned address;
    char zero[20];
};

/* A listening socket, a connection to it, and its other end. */
static int *add_connection(int *fds, int family)
{
    struct internet at = {.family = family, .port = 0x901f, .address = family == 2 ? 0x0100007f : 0};
    int length = family == 2 ? 16 : 28;
    int listening = CALL(socket, family, 1 | NONBLOCKING, 0);
    if (family == 10)
        at.zero[15] = 1; /* ::1 */
    CALL(setsockopt, listening, 1, 2, (word) & (int){1}, 4);
    CALL(bind, listening, (word)&at, length);
    CALL(listen, listening, 8);
    int near = CALL(socket, family, 1 | NONBLOCKING, 0);
    CALL(connect, near, (word)&at, length);
    fds = add(add(fds, listening), near);
    return add(fds, CALL(accept4, listening, 0, 0, NONBLOCKING));
}

static int *add_sockets(int *fds)
{
    static const int types[] = {1, 2, 5};
    int two[2];
    for (int i = 0; i < 3; i++) {
        CALL(socketpair, 1, types[i] | (i ? NONBLOCKING : 0), 0, (word)two);
        fds = add_two(fds, two);
    }
    fds = add(fds, CALL(socket, 1, 1, 0));
    fds = add(fds, CALL(socket, 2, 1, 0));
    fds = add(fds, CALL(socket, 2, 2 | NONBLOCKING, 0));
    fds = add(fds, CALL(socket, 10, 2 | NONBLOCKING, 0));
    fds = add(fds, CALL(socket, 16, 3 | NONBLOCKING, 0));
    return add_connection(add_connection(fds, 2), 10);
}

void open_resources(int fds[FDS])
{
    int *end = add_sockets(add_events(add_files(fds)));
    int two[2] = {-1, -1};
    CALL(pipe2, (word)two, NONBLOCKING);
    end = add_two(end, two);
    CALL(pipe2, (word)two, 0);
    end = add_two(end, two);
    while (end < fds + FDS) {
        *end = end[-4]; /* pipes once more */
        end++;
    }
}

void map_arena(word arena)
{
    enum { FIXED = 0x10, PRIVATE = 2, ANONYMOUS = 0x20 };
    CALL(mmap, arena, ARENA_PAGES * PAGE, READ_WRITE, FIXED | PRIVATE | ANONYMOUS, -1ul, 0);
    CALL(munmap, arena + HOLE * PAGE, PAGE);
    CALL(mprotect, arena + READ_ONLY * PAGE, PAGE, 1);
    CALL(mprotect, arena + NO_ACCESS * PAGE, PAGE, 0);
}
