/* proc(5) /proc/pid/fd: links that are open themselves (open(2) O_PATH | O_NOFOLLOW), and links to
 * links to links. */
#include "check.h"

enum { LINKS = 1000 };

static int open_link(int fd, int flags)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return open(name, flags);
}

int main(void)
{
    int last = open("/dev/null", O_RDONLY), made = 0;
    struct stat status;
    while (made < LINKS) {
        int next = open_link(last, O_PATH | O_NOFOLLOW);
        MUST(next);
        close(last);
        last = next;
        made++;
    }
    SHOW(made);
    SHOW(fstat(last, &status));
    CHECK(S_ISLNK(status.st_mode));
    SHOW(close(last));
    return 0;
}
