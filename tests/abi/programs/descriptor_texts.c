/* proc(5) /proc/self/fdinfo: position and flags, and what eventfd(2), epoll(7) and inotify(7) add. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

static char text[4096];

static void load(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    int info = open(path, O_RDONLY);
    MUST(info);
    long size = read(info, text, sizeof text - 1);
    text[size < 0 ? 0 : size] = 0;
    close(info);
}

/* The line that begins with `start`, up to `length` bytes of it. */
static void line(const char *start, int length)
{
    char *at = strstr(text, start);
    int end = at ? (int)strcspn(at, "\n") : 0;
    printf("%.*s\n", end < length ? end : length, at ? at : "none");
}

int main(void)
{
    int file = open("f", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    MUST(write(file, "12345", 5));
    load(file);
    line("pos:", 100);
    line("flags:", 100);
    MUST(lseek(file, 3, SEEK_SET));
    MUST(fcntl(file, F_SETFD, 0));
    MUST(fcntl(file, F_SETFL, O_NONBLOCK));
    load(file);
    line("pos:", 100);
    line("flags:", 100);
    CHECK(strstr(text, "mnt_id:\t") != NULL);
    CHECK(strstr(text, "ino:\t") != NULL);

    int event = eventfd(0x1234, EFD_NONBLOCK);
    load(event);
    line("flags:", 100);
    line("eventfd-count:", 100);

    int epoll = epoll_create1(0);
    struct epoll_event wanted = {.events = EPOLLIN | EPOLLET, .data.u64 = 0xabcdef};
    MUST(dup2(event, 20));
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, 20, &wanted));
    load(epoll);
    line("tfd:", 53);

    int in = inotify_init1(IN_NONBLOCK);
    MUST(inotify_add_watch(in, "f", IN_MODIFY | IN_OPEN));
    load(in);
    struct stat s;
    MUST(stat("f", &s));
    unsigned wd = 0, mask = 0;
    unsigned long inode = 0;
    char *at = strstr(text, "inotify wd:");
    SHOW(at ? sscanf(at, "inotify wd:%x ino:%lx sdev:%*x mask:%x", &wd, &inode, &mask) : 0);
    printf("%x\n", wd);
    CHECK((mask & IN_ALL_EVENTS) == (IN_MODIFY | IN_OPEN));
    CHECK(inode == s.st_ino);
    SHOW(open("/proc/self/fdinfo/99", O_RDONLY));
    close(file);
    close(event);
    close(20);
    close(epoll);
    close(in);
    SHOW(unlink("f"));
    return 0;
}
