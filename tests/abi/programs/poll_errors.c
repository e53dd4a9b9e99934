/* poll(2), ppoll(2): what is not asked for, not open or not there; limits, times and addresses. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

int main(void)
{
    struct pollfd set[4] = {{-1, POLLIN, 77}, {99, POLLIN, 0}, {1, 0, 0}, {-99, -1, 77}};
    struct timespec zero = {0, 0}, bad = {0, -1}, some = {0, 10000000};
    int p[2];
    SHOW(poll(NULL, 0, 0));
    SHOW(poll(set, 4, 0));
    printf("%d %d %d %d\n", set[0].revents, set[1].revents, set[2].revents, set[3].revents);
    SHOW(poll(set, 4, 1000)); /* a descriptor that is not open is an event */
    SHOW(syscall(SYS_poll, 8L, 1, 0));
    SHOW(syscall(SYS_poll, NULL, 1, 0));
    SHOW(syscall(SYS_poll, 8L, 0, 0));
    struct rlimit limit, old;
    getrlimit(RLIMIT_NOFILE, &old);
    limit = (struct rlimit){64, old.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
    struct pollfd many[65];
    for (int i = 0; i < 65; i++)
        many[i] = (struct pollfd){-1, 0, 0};
    SHOW(poll(many, 65, 0));
    SHOW(poll(many, 64, 0));
    setrlimit(RLIMIT_NOFILE, &old);
    int file = open("file", O_RDWR | O_CREAT, 0600), directory = open(".", O_RDONLY);
    int path = open(".", O_PATH), null = open("/dev/null", O_RDONLY);
    struct pollfd always[] = {{file, 0x7fff, 0}, {directory, POLLIN, 0}, {path, POLLIN, 0}, {null, POLLIN, 0}};
    SHOW(poll(always, 4, 0));
    printf("%x %x %x %x\n", always[0].revents, always[1].revents, always[2].revents, always[3].revents);
    MUST(pipe(p));
    struct pollfd same[] = {{p[1], POLLOUT, 0}, {p[1], POLLOUT, 0}, {p[0], POLLIN, 0}};
    SHOW(poll(same, 3, -1)); /* each entry counts */
    struct pollfd wrong[] = {{p[0], POLLOUT, 0}, {p[1], POLLIN, 0}};
    SHOW(poll(wrong, 2, 0));
    printf("%x %x\n", wrong[0].revents, wrong[1].revents);
    close(p[1]);
    SHOW(poll(wrong, 1, 0));
    printf("%x\n", wrong[0].revents);
    wrong[0].events = 0;
    SHOW(poll(wrong, 1, 0)); /* POLLHUP comes unasked */

    SHOW(ppoll(NULL, 0, &zero, NULL));
    SHOW(ppoll(NULL, 0, &bad, NULL));
    SHOW(syscall(SYS_ppoll, NULL, 0, &some, NULL, 8));
    CHECK(some.tv_sec == 0 && some.tv_nsec == 0); /* the call itself stores what is left */
    some.tv_nsec = 10000000;
    SHOW(ppoll(NULL, 0, &some, NULL));
    SHOW(some.tv_nsec); /* glibc's function does not show it */
    sigset_t none;
    sigemptyset(&none);
    SHOW(syscall(SYS_ppoll, NULL, 0, &zero, &none, 4));
    SHOW(syscall(SYS_ppoll, NULL, 0, &zero, 8L, 8));
    SHOW(syscall(SYS_ppoll, NULL, 0, 8L, NULL, 8));
    SHOW(syscall(SYS_ppoll, 8L, 1, &bad, NULL, 8));
    close(p[0]);
    close(file);
    close(directory);
    close(path);
    close(null);
    unlink("file");
    return 0;
}
