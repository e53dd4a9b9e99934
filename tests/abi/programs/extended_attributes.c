/* xattr(7), setxattr(2), getxattr(2), listxattr(2), removexattr(2): namespaces, flags, sizes, kinds of
 * files, and who may. */
#include "check.h"
#include <sys/inotify.h>
#include <sys/xattr.h>

static char buffer[70000];

/* The names but for what a security module may have put there, in order. */
static void names(const char *path)
{
    long size = listxattr(path, buffer, sizeof buffer);
    char *sorted[10];
    int count = 0;
    for (char *at = buffer; at < buffer + size; at += strlen(at) + 1)
        if (strcmp(at, "security.selinux"))
            sorted[count++] = at;
    for (int i = 0; i < count; i++)
        for (int j = i + 1; j < count; j++)
            if (strcmp(sorted[i], sorted[j]) > 0) {
                char *other = sorted[i];
                sorted[i] = sorted[j];
                sorted[j] = other;
            }
    printf("%s:", path);
    for (int i = 0; i < count; i++)
        printf(" %s", sorted[i]);
    printf("\n");
}

static void of_values(void)
{
    SHOW(setxattr("f", "user.one", "value", 5, 0));
    SHOW(getxattr("f", "user.one", buffer, 100));
    CHECK(!memcmp(buffer, "value", 5));
    SHOW(getxattr("f", "user.one", buffer, 0));
    SHOW(getxattr("f", "user.one", NULL, 0));
    SHOW(getxattr("f", "user.one", buffer, 4));
    SHOW(getxattr("f", "user.one", buffer, 5));
    SHOW(getxattr("f", "user.none", buffer, 5));
    SHOW(setxattr("f", "user.one", "other", 5, XATTR_CREATE));
    SHOW(setxattr("f", "user.two", "other", 5, XATTR_REPLACE));
    SHOW(setxattr("f", "user.one", "longer value", 12, XATTR_REPLACE));
    SHOW(setxattr("f", "user.two", "", 0, XATTR_CREATE));
    SHOW(setxattr("f", "user.three", "x", 1, XATTR_CREATE | XATTR_REPLACE));
    SHOW(setxattr("f", "user.three", "x", 1, 4));
    SHOW(getxattr("f", "user.one", buffer, 100));
    SHOW(getxattr("f", "user.two", buffer, 100));
    names("f");
    SHOW(listxattr("f", NULL, 0) >= 18);
    SHOW(listxattr("f", buffer, 5));
    SHOW(removexattr("f", "user.one"));
    SHOW(removexattr("f", "user.one"));
    names("f");
}

static void of_names(void)
{
    memset(buffer, 'n', 300);
    memcpy(buffer, "user.", 5);
    buffer[256] = 0;
    SHOW(setxattr("f", buffer, "x", 1, 0));
    buffer[255] = 0;
    SHOW(setxattr("f", buffer, "x", 1, 0));
    SHOW(removexattr("f", buffer));
    SHOW(setxattr("f", "", "x", 1, 0));
    SHOW(setxattr("f", "user.", "x", 1, 0));
    SHOW(setxattr("f", "user", "x", 1, 0));
    SHOW(setxattr("f", "none.x", "x", 1, 0));
    SHOW(getxattr("f", "none.x", buffer, 1));
    SHOW(removexattr("f", "none.x"));
    SHOW(getxattr("f", "", buffer, 1));
    SHOW(removexattr("f", ""));
    SHOW(setxattr("f", "user.large", buffer, 65537, 0));
    SHOW(setxattr("f", "user.x", (void *)8, 10, 0));
    SHOW(setxattr("f", (char *)8, "x", 1, 0));
    SHOW(setxattr("absent", "user.x", "x", 1, 0));
    SHOW(getxattr("absent", "user.x", buffer, 1));
    SHOW(listxattr("absent", buffer, 1));
    SHOW(removexattr("absent", "user.x"));
    SHOW(setxattr("f", "trusted.x", "x", 1, 0));
    SHOW(setxattr("f", "security.x", "x", 1, 0));
    names("f");
}

static void of_kinds(void)
{
    MUST(symlink("f", "link"));
    MUST(mkfifo("fifo", 0666));
    MUST(mkdir("dir", 0777));
    SHOW(setxattr("link", "user.through", "x", 1, 0));
    SHOW(lsetxattr("link", "user.x", "x", 1, 0));
    SHOW(lgetxattr("link", "user.x", buffer, 1));
    SHOW(lremovexattr("link", "user.x"));
    SHOW(lsetxattr("link", "trusted.x", "xy", 2, 0));
    SHOW(lgetxattr("link", "trusted.x", buffer, 10));
    SHOW(llistxattr("link", buffer, 100) >= 10);
    SHOW(getxattr("link", "user.through", buffer, 10));
    SHOW(setxattr("fifo", "user.x", "x", 1, 0));
    SHOW(getxattr("fifo", "user.x", buffer, 1));
    SHOW(setxattr("dir", "user.x", "x", 1, 0));
    names("dir");
    names("f");
    SHOW(setxattr("/proc/self/status", "user.x", "x", 1, 0));
    int fd = open("f", O_RDONLY), path = open("f", O_PATH);
    SHOW(fsetxattr(fd, "user.fd", "abc", 3, 0));
    SHOW(fgetxattr(fd, "user.fd", buffer, 10));
    SHOW(flistxattr(fd, buffer, 1000) > 0);
    SHOW(fremovexattr(fd, "user.fd"));
    SHOW(fgetxattr(fd, "user.fd", buffer, 10));
    SHOW(fgetxattr(path, "user.through", buffer, 10));
    SHOW(fgetxattr(99, "user.x", buffer, 10));
    close(fd);
    close(path);
}

static void of_permissions(void)
{
    MUST(chmod("f", 0644));
    MUST(chmod("dir", 01777));
    MUST(seteuid(1001));
    SHOW(setxattr("f", "user.x", "x", 1, 0));
    SHOW(getxattr("f", "user.through", buffer, 10));
    SHOW(setxattr("f", "security.y", "x", 1, 0));
    SHOW(getxattr("f", "security.x", buffer, 10));
    SHOW(setxattr("f", "trusted.y", "x", 1, 0));
    SHOW(getxattr("f", "trusted.x", buffer, 10));
    SHOW(removexattr("f", "user.through"));
    SHOW(setxattr("dir", "user.y", "x", 1, 0));
    SHOW(getxattr("dir", "user.x", buffer, 10));
    names("f");
    MUST(seteuid(0));
    MUST(chmod("f", 0600));
    MUST(seteuid(1001));
    SHOW(getxattr("f", "user.through", buffer, 10));
    SHOW(listxattr("f", buffer, 1000) > 0);
    MUST(seteuid(0));
}

int main(void)
{
    umask(0);
    MUST(chmod(".", 0755));
    close(open("f", O_RDWR | O_CREAT, 0644));
    of_values();
    of_names();
    of_kinds();
    of_permissions();
    int in = inotify_init1(IN_NONBLOCK);
    inotify_add_watch(in, "f", IN_ALL_EVENTS);
    MUST(setxattr("f", "user.x", "x", 1, 0));
    struct inotify_event *event = (struct inotify_event *)buffer;
    SHOW(read(in, buffer, sizeof buffer));
    CHECK(event->mask == IN_ATTRIB);
    close(in);
    MUST(rename("f", "g"));
    SHOW(getxattr("g", "user.x", buffer, 10));
    unlink("g");
    close(open("g", O_RDWR | O_CREAT, 0644));
    SHOW(getxattr("g", "user.x", buffer, 10));
    unlink("g");
    unlink("link");
    unlink("fifo");
    SHOW(rmdir("dir"));
    return 0;
}
