/* inotify(7), inotify_add_watch(2): which events a change gives, in which order, their names and
 * cookies; flags of watches; merging, overflow, readiness and sizes of reads. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <utime.h>

static int in, first_wd;
static uint32_t cookie;
static char buffer[65536] __attribute__((aligned(8)));

static const struct { uint32_t bit; const char *name; } bits[] = {
    {IN_ACCESS, "ACCESS"}, {IN_MODIFY, "MODIFY"}, {IN_ATTRIB, "ATTRIB"},
    {IN_CLOSE_WRITE, "CLOSE_WRITE"}, {IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"}, {IN_OPEN, "OPEN"},
    {IN_MOVED_FROM, "MOVED_FROM"}, {IN_MOVED_TO, "MOVED_TO"}, {IN_CREATE, "CREATE"},
    {IN_DELETE, "DELETE"}, {IN_DELETE_SELF, "DELETE_SELF"}, {IN_MOVE_SELF, "MOVE_SELF"},
    {IN_IGNORED, "IGNORED"}, {IN_Q_OVERFLOW, "Q_OVERFLOW"}, {IN_ISDIR, "ISDIR"},
};

static void print_event(const struct inotify_event *event)
{
    printf("  wd %d:", event->wd);
    for (unsigned i = 0; i < sizeof bits / sizeof *bits; i++)
        if (event->mask & bits[i].bit)
            printf(" %s", bits[i].name);
    if (event->cookie) {
        printf(event->cookie == cookie ? " (same cookie)" : " (cookie)");
        cookie = event->cookie;
    }
    if (event->len)
        printf(" %s, %u", event->name, event->len);
    printf("\n");
}

/* Everything there is to read. */
static void events(const char *after)
{
    printf("%s\n", after);
    cookie = 0;
    ssize_t size = read(in, buffer, sizeof buffer);
    for (char *at = buffer; at < buffer + size;) {
        struct inotify_event *event = (struct inotify_event *)at;
        print_event(event);
        at += sizeof *event + event->len;
    }
}

#define DO(call)                                                                               \
    do {                                                                                       \
        MUST(call);                                                                            \
        events(#call);                                                                         \
    } while (0)

static int unread(void)
{
    int bytes = -1;
    ioctl(in, FIONREAD, &bytes);
    return bytes;
}

static void write_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    MUST(fd);
    MUST(write(fd, "text", 4));
    MUST(write(fd, "more", 4)); /* merged with the one before */
    MUST(close(fd));
}

static void read_file(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY);
    MUST(fd);
    MUST(read(fd, &byte, 1));
    MUST(lseek(fd, 0, SEEK_END));
    MUST(read(fd, &byte, 1));
    MUST(close(fd));
}

static void of_a_directory(void)
{
    SHOW(first_wd = inotify_add_watch(in, "d", IN_ALL_EVENTS));
    write_file("d/file");
    events("write_file");
    read_file("d/file");
    events("read_file");
    write_file("d/file");
    events("write_file again");
    DO(chmod("d/file", 0600));
    DO(chown("d/file", 0, 0));
    DO(utime("d/file", NULL));
    struct timespec times[2] = {{1, 0}, {0, UTIME_OMIT}};
    DO(utimensat(AT_FDCWD, "d/file", times, 0));
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = 0;
    DO(utimensat(AT_FDCWD, "d/file", times, 0));
    DO(truncate("d/file", 2));
    DO(link("d/file", "d/other"));
    DO(symlink("file", "d/a-name-of-sixteen"));
    DO(mkdir("d/sub", 0755));
    DO(rename("d/file", "d/file2"));
    DO(rename("d/file2", "outside"));
    DO(rename("outside", "d/inside"));
    DO(rename("d/sub", "d/sub2"));
    DO(renameat2(AT_FDCWD, "d/sub2", AT_FDCWD, "d/inside", 2));
    DO(rmdir("d/inside"));
    DO(mkfifo("d/fifo", 0600));
    DO(unlink("d/fifo"));
    DO(unlink("d/other"));
    DO(rename("d/sub2", "d/a-name-of-sixteen"));
    DO(chmod("d", 0700));
    int fd = open("d", O_RDONLY | O_DIRECTORY);
    events("open d");
    MUST(syscall(SYS_getdents64, fd, buffer, sizeof buffer));
    events("getdents");
    DO(close(fd));
    fd = open("d/a-name-of-sixteen", O_RDWR);
    MUST(unlink("d/a-name-of-sixteen"));
    events("open, unlink");
    MUST(write(fd, "x", 1));
    MUST(ftruncate(fd, 0));
    DO(close(fd));
    DO(close(open("d", O_PATH)));
}

static void of_opening(void)
{
    MUST(close(open("d/new", O_RDWR | O_CREAT | O_TRUNC, 0600)));
    events("created");
    MUST(close(open("d/new", O_RDWR | O_CREAT | O_TRUNC, 0600)));
    events("truncated");
    MUST(close(open("d/new", O_RDWR | O_CREAT, 0600)));
    events("opened");
    int fd = open("d/new", O_RDWR), again = dup(fd);
    close(fd);
    events("opened and duplicated");
    DO(pwrite(again, "123456789", 9, 0));
    DO(pread(again, buffer, 9, 0));
    DO(pread(again, buffer, 9, 9));
    DO(fallocate(again, 0, 0, 100));
    DO(fchmod(again, 0600));
    int p[2];
    MUST(pipe(p));
    DO(sendfile(p[1], again, NULL, 5));
    DO(close(again));
    close(p[0]);
    close(p[1]);
    DO(unlink("d/new"));
}

static void of_a_file(void)
{
    int wd;
    write_file("f");
    SHOW((wd = inotify_add_watch(in, "f", IN_ALL_EVENTS)) - first_wd);
    write_file("f");
    events("write_file");
    DO(chmod("f", 0600));
    DO(link("f", "g"));
    DO(rename("f", "h"));
    DO(unlink("g"));
    int fd = open("h", O_RDONLY);
    MUST(unlink("h"));
    events("open, unlink");
    DO(close(fd));
    SHOW(inotify_rm_watch(in, wd));

    write_file("f");
    write_file("g");
    SHOW(inotify_add_watch(in, "g", IN_ALL_EVENTS) - first_wd);
    DO(rename("f", "g"));
    SHOW(inotify_add_watch(in, "g", IN_DELETE_SELF) - first_wd);
    DO(unlink("g"));
    MUST(mkdir("e", 0700));
    SHOW(inotify_add_watch(in, "e", IN_ALL_EVENTS | IN_ONLYDIR) - first_wd);
    DO(rename("e", "d/e"));
    DO(rmdir("d/e"));
}

static void of_flags(void)
{
    int wd;
    write_file("f");
    SHOW((wd = inotify_add_watch(in, "f", IN_ATTRIB)) - first_wd);
    SHOW(inotify_add_watch(in, "f", IN_OPEN | IN_MASK_ADD) == wd);
    read_file("f");
    MUST(chmod("f", 0600));
    events("mask added");
    SHOW(inotify_add_watch(in, "f", IN_OPEN) == wd);
    read_file("f");
    MUST(chmod("f", 0600));
    events("mask replaced");
    SHOW(inotify_add_watch(in, "f", IN_OPEN | IN_MASK_CREATE));
    SHOW(inotify_add_watch(in, "f", IN_OPEN | IN_MASK_CREATE | IN_MASK_ADD));
    DO(inotify_rm_watch(in, wd));
    read_file("f");
    events("removed");
    SHOW(inotify_rm_watch(in, wd));
    SHOW((wd = inotify_add_watch(in, "f", IN_OPEN | IN_ONESHOT)) - first_wd);
    read_file("f");
    read_file("f");
    events("one shot");
    SHOW(inotify_rm_watch(in, wd));
    SHOW(inotify_add_watch(in, "f", IN_OPEN | IN_ONLYDIR));
    MUST(symlink("f", "l"));
    SHOW((wd = inotify_add_watch(in, "l", IN_ALL_EVENTS | IN_DONT_FOLLOW)) - first_wd);
    read_file("l");
    MUST(unlink("l"));
    events("link");
    SHOW(inotify_add_watch(in, "d", IN_ALL_EVENTS | IN_EXCL_UNLINK) == first_wd);
    int fd = open("d/x", O_RDWR | O_CREAT, 0600);
    MUST(unlink("d/x"));
    MUST(write(fd, "x", 1));
    close(fd);
    events("excluded when unlinked");
    SHOW(inotify_add_watch(in, "f", 0));
    SHOW(inotify_add_watch(in, "absent", IN_OPEN));
    SHOW(inotify_add_watch(in, (char *)8, IN_OPEN));
    SHOW(inotify_add_watch(99, "f", IN_OPEN));
    SHOW(inotify_add_watch(0, "f", IN_OPEN));
    SHOW(inotify_rm_watch(99, 1));
    SHOW(inotify_rm_watch(0, 1));
    SHOW(inotify_rm_watch(in, 10000));
    SHOW(inotify_init1(1));
}

static int polled(void)
{
    struct pollfd p = {in, POLLIN | POLLOUT | POLLRDNORM, 0};
    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void of_reading(void)
{
    SHOW(read(in, buffer, sizeof buffer));
    SHOW(polled());
    SHOW(unread());
    int epoll = epoll_create1(0);
    struct epoll_event wanted = {.events = EPOLLIN | EPOLLET}, got;
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, in, &wanted));
    SHOW(epoll_wait(epoll, &got, 1, 0));
    MUST(mkdir("d/n", 0700));
    SHOW(epoll_wait(epoll, &got, 1, 0));
    SHOW(epoll_wait(epoll, &got, 1, 0));
    MUST(rmdir("d/n"));
    SHOW(epoll_wait(epoll, &got, 1, 0));
    SHOW(polled());
    SHOW(unread());
    SHOW(read(in, buffer, 16));
    SHOW(read(in, buffer, 31));
    SHOW(read(in, buffer, 63));
    SHOW(unread());
    SHOW(read(in, (char *)8, 100));
    SHOW(read(in, buffer, 100));
    SHOW(write(in, buffer, 1));
    close(epoll);
    struct stat s;
    SHOW(fstat(in, &s));
    CHECK((s.st_mode & S_IFMT) == 0);
}

static void of_overflow(void)
{
    for (int i = 0; i < 9000; i++) {
        MUST(chmod("d", 0700));
        MUST(mkdir("d/n", 0700));
        MUST(rmdir("d/n"));
    }
    int count = 0, overflows = 0, last = 0;
    ssize_t size;
    while ((size = read(in, buffer, sizeof buffer)) > 0)
        for (char *at = buffer; at < buffer + size;) {
            struct inotify_event *event = (struct inotify_event *)at;
            last = event->wd == -1 && event->mask == IN_Q_OVERFLOW;
            count++;
            overflows += last;
            at += sizeof *event + event->len;
        }
    printf("%d events, %d overflows, last %d\n", count, overflows, last);
    DO(chmod("d", 0700));
}

int main(void)
{
    MUST(in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    MUST(mkdir("d", 0755));
    SHOW(fcntl(in, F_GETFL));
    SHOW(fcntl(in, F_GETFD));
    of_a_directory();
    of_opening();
    of_a_file();
    of_flags();
    of_reading();
    of_overflow();
    DO(rmdir("d"));
    close(in);
    SHOW(inotify_init() >= 0);
    SHOW(fcntl(in, F_GETFL));
    close(in);
    unlink("f");
    return 0;
}
