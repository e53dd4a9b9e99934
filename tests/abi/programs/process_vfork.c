/* vfork(2): the child runs in the parent's memory, which waits until it executes or exits. */
#include "process.h"
#include <sys/wait.h>

static volatile int shared;
static volatile int handled;

static void on_usr1(int signal)
{
    (void)signal;
    handled = 1;
}

int main(int argc, char **argv)
{
    volatile int local = 1;
    int status;
    if (argc > 1)
        return atoi(argv[1]);
    const char *path = own_path();
    pid_t parent = getpid();

    pid_t pid = vfork();
    if (pid == 0) {
        shared = getppid() == parent ? 11 : 1;
        local = 2;
        _exit(3);
    }
    CHECK(shared == 11 && local == 2);
    reap("exits", pid);

    pid = vfork();
    if (pid == 0) {
        sleep_ms(30);
        shared = 12;
        execl(path, path, "44", (char *)NULL);
        _exit(1);
    }
    CHECK(shared == 12); /* the parent did not go on before */
    reap("executes", pid);

    pid = vfork();
    if (pid == 0) {
        execl("absent", "absent", (char *)NULL);
        shared = errno;
        _exit(5);
    }
    CHECK(shared == ENOENT);
    reap("cannot execute", pid);

    int fds[2];
    MUST(pipe(fds));
    pid = vfork();
    if (pid == 0) {
        close(fds[0]); /* descriptors are its own */
        chdir("/");
        _exit(6);
    }
    SHOW(fcntl(fds[0], F_GETFD));
    MUST(waitpid(pid, &status, 0));
    show_status("closes", status);
    close(fds[0]);
    close(fds[1]);

    signal(SIGUSR1, on_usr1);
    pid = vfork();
    if (pid == 0) {
        kill(parent, SIGUSR1);
        sleep_ms(10);
        shared = handled;
        _exit(7);
    }
    CHECK(shared == 0 && handled == 1); /* a signal to the parent waits for the child */
    reap("signals", pid);

    pid = vfork();
    if (pid == 0)
        kill(getpid(), SIGKILL);
    reap("is killed", pid);
    return 0;
}
