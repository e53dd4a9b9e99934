/* open(2) O_NOCTTY, termios(3), tcsetpgrp(3), setsid(2): a session's leader gets a terminal by
 * opening one; who is in its background is stopped or gets EIO; the leader's end hangs it up. */
#include "check.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

static volatile int resized, hung_up;
static char *name;
static char byte;

static void on(int signal)
{
    if (signal == SIGWINCH)
        resized++;
    else
        hung_up++;
}

static int in_child(void (*body)(int), int argument)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        body(argument);
        fflush(stdout);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    return status;
}

static void opens(int master)
{
    setsid();
    signal(SIGWINCH, on);
    signal(SIGHUP, on);
    int without = open(name, O_RDWR | O_NOCTTY);
    CHECK(tcgetsid(without) == -1 && errno == ENOTTY);
    int slave = open(name, O_RDWR);
    CHECK(tcgetsid(slave) == getpid());
    struct winsize size = {1, 2, 3, 4};
    ioctl(master, TIOCSWINSZ, &size);
    SHOW(resized);
}

static void reads_in_background(int slave)
{
    setpgid(0, 0);
    alarm(2);
    read(slave, &byte, 1);
}

static void reads_and_ignores(int slave)
{
    setpgid(0, 0);
    signal(SIGTTIN, SIG_IGN);
    SHOW(read(slave, &byte, 1));
}

static void waits_for_hang_up(int to)
{
    signal(SIGHUP, on);
    write(to, "", 1);
    for (int i = 0; i < 50 && !hung_up; i++)
        sleep_ms(10);
    printf("hung up %d\n", hung_up);
    fflush(stdout);
    write(to, "", 1);
    _exit(0);
}

static void leads(int over)
{
    int ready[2], status;
    MUST(pipe(ready));
    setsid();
    int slave = open(name, O_RDWR);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        reads_in_background(slave);
        _exit(0);
    }
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    printf("stopped by %d\n", WIFSTOPPED(status) ? WSTOPSIG(status) : 0);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    in_child(reads_and_ignores, slave);
    SHOW(tcsetpgrp(slave, 1 << 21));
    fflush(stdout);
    child = fork();
    if (child == 0) {
        setpgid(0, 0);
        write(ready[1], "", 1);
        waits_for_hang_up(over);
    }
    read(ready[0], &byte, 1);
    setpgid(child, child);
    signal(SIGTTOU, SIG_IGN);
    SHOW(tcsetpgrp(slave, child));
    sleep_ms(50);
}

int main(void)
{
    int over[2];
    MUST(pipe(over));
    for (int i = 0; i < 2; i++) {
        int master = posix_openpt(O_RDWR | O_NOCTTY);
        MUST(master);
        grantpt(master);
        unlockpt(master);
        name = ptsname(master);
        if (i == 0)
            in_child(opens, master);
        else
            in_child(leads, over[1]);
    }
    close(over[1]);
    while (read(over[0], &byte, 1) == 1)
        ;
    return 0;
}
