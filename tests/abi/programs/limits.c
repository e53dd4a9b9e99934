/* getrlimit(2), setrlimit(2), prlimit(2): values, the hard limit, descriptors over it, and the errors. */
#include "process.h"
#include <sys/resource.h>

static int lowers_as_user(void)
{
    struct rlimit limit = {50, 60};
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    MUST(setresuid(54321, 54321, 54321));
    limit.rlim_cur = 60;
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = 61;
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    limit = (struct rlimit){40, 61};
    SHOW(setrlimit(RLIMIT_NOFILE, &limit)); /* the hard one goes down only */
    limit.rlim_max = 40;
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_max = 60;
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    return 0;
}

int main(void)
{
    struct rlimit limit, old, before;
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        int result = getrlimit(resource, &limit);
        printf("%d: %d, soft at most hard %d\n", resource, result, limit.rlim_cur <= limit.rlim_max);
    }
    SHOW(getrlimit(RLIM_NLIMITS, &limit));
    SHOW(getrlimit(-1, &limit));
    SHOW(syscall(SYS_getrlimit, RLIMIT_NOFILE, 1L));
    SHOW(syscall(SYS_setrlimit, RLIMIT_NOFILE, 1L));
    getrlimit(RLIMIT_NOFILE, &before);
    limit = (struct rlimit){10, before.rlim_max};
    SHOW(prlimit(0, RLIMIT_NOFILE, &limit, &old));
    CHECK(old.rlim_cur == before.rlim_cur);
    SHOW(sysconf(_SC_OPEN_MAX));
    int fds[10], opened = 0;
    while (opened < 10 && (fds[opened] = open("/dev/null", O_RDONLY)) >= 0)
        opened++;
    CHECK(errno == EMFILE);
    CHECK(fds[opened - 1] == 9);
    SHOW(dup(0));
    SHOW(fcntl(0, F_DUPFD, 10));
    SHOW(fcntl(0, F_DUPFD, 9));
    SHOW(dup2(0, 10));
    SHOW(dup2(0, 9));
    SHOW(pipe(fds));
    limit.rlim_cur = 5; /* what is open already stays open */
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    SHOW(fcntl(9, F_GETFD));
    SHOW(close_range(3, 9, 0));
    SHOW(open("/dev/null", O_RDONLY));
    SHOW(open("/dev/null", O_RDONLY));
    SHOW(open("/dev/null", O_RDONLY));
    close(3);
    close(4);
    limit.rlim_cur = limit.rlim_max + 1;
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    SHOW(setrlimit(RLIMIT_NOFILE, &before));
    limit = (struct rlimit){123456, RLIM_INFINITY};
    SHOW(setrlimit(RLIMIT_CORE, &limit));
    SHOW(getrlimit(RLIMIT_CORE, &limit));
    SHOW(limit.rlim_cur);
    SHOW(prlimit(getpid(), RLIMIT_CORE, NULL, &limit));
    SHOW(prlimit(-1, RLIMIT_CORE, NULL, &limit));
    run("as another user", lowers_as_user);
    return 0;
}
