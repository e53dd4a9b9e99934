/* path_resolution(7), ELOOP: cycles, and chains of 40 links and more. */
#include "check.h"

static void chain(int length)
{
    char name[32], to[32];
    for (int i = 1; i <= length; i++) {
        snprintf(name, sizeof name, "c%d", i);
        snprintf(to, sizeof to, "c%d", i - 1);
        symlink(to, name);
    }
}

int main(void)
{
    struct stat st;
    char name[32], text[16];
    MUST(symlink("self", "self"));
    MUST(symlink("pong", "ping"));
    MUST(symlink("ping", "pong"));
    MUST(symlink("in/in", "in"));
    const char *loops[] = {"self", "ping", "pong", "in", "self/x", "ping/"};
    for (int i = 0; i < 6; i++) {
        printf("%s:\n", loops[i]);
        SHOW(stat(loops[i], &st));
        SHOW(open(loops[i], O_RDONLY));
        SHOW(open(loops[i], O_WRONLY | O_CREAT, 0644));
        SHOW(access(loops[i], F_OK));
        SHOW(chdir(loops[i]));
        SHOW(chmod(loops[i], 0644));
        SHOW(truncate(loops[i], 0));
        SHOW(mkdir(loops[i], 0755));
        SHOW(rmdir(loops[i]));
    }
    SHOW(lstat("self", &st));
    SHOW(readlink("self", text, sizeof text));
    SHOW(rename("self", "myself"));
    SHOW(stat("myself", &st));
    SHOW(unlink("myself"));
    close(open("c0", O_WRONLY | O_CREAT, 0644));
    chain(42);
    for (int i = 38; i <= 42; i++) {
        snprintf(name, sizeof name, "c%d", i);
        printf("%s: %s\n", name, stat(name, &st) ? strerrorname_np(errno) : "found");
        printf("%s, not followed: %s\n", name,
               open(name, O_RDONLY | O_NOFOLLOW) < 0 ? strerrorname_np(errno) : "opened");
    }
    for (int i = 0; i <= 42; i++) {
        snprintf(name, sizeof name, "c%d", i);
        MUST(unlink(name));
    }
    MUST(unlink("ping"));
    MUST(unlink("pong"));
    MUST(unlink("in"));
    return 0;
}
