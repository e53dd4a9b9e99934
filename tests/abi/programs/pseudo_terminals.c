/* pty(7), termios(3), ioctl_tty(2): opening, canonical and raw input, echo, output, signals, window
 * sizes, sessions, and what hanging up does. */
#include "check.h"
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>

static int master, slave;
static char back[20000];

static void say(const char *what, long count)
{
    printf("%s:", what);
    if (count < 0)
        printf(" %s", strerrorname_np(errno));
    for (long i = 0; i < count; i++)
        printf(back[i] < ' ' || back[i] == 0x7f ? " \\%03o" : " %c", back[i]);
    printf("\n");
}

static void type(const char *text)
{
    MUST(write(master, text, strlen(text)));
}

static void shown(void)
{
    struct pollfd p = {master, POLLIN, 0};
    poll(&p, 1, 100);
    say("shown", p.revents & POLLIN ? read(master, back, sizeof back) : 0);
}

static void got(void)
{
    say("read", read(slave, back, sizeof back));
}

static int ready(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    poll(&p, 1, 0);
    return p.revents;
}

static void of_opening(void)
{
    int number = -1, locked = 1, again;
    char name[64], link[64];
    struct stat s, other;
    MUST(master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK));
    SHOW(isatty(master));
    SHOW(ioctl(master, TIOCGPTN, &number));
    SHOW(ptsname_r(master, name, sizeof name));
    CHECK(!strncmp(name, "/dev/pts/", 9) && atoi(name + 9) == number);
    SHOW(open(name, O_RDWR | O_NOCTTY)); /* locked */
    SHOW(ioctl(master, TIOCGPTLCK, &locked));
    SHOW(locked);
    SHOW(grantpt(master));
    SHOW(unlockpt(master));
    SHOW(ioctl(master, TIOCGPTLCK, &locked));
    SHOW(locked);
    SHOW(read(master, back, 10));
    SHOW(ready(master));
    MUST(slave = open(name, O_RDWR | O_NOCTTY));
    SHOW(isatty(slave));
    MUST(fstat(slave, &s));
    MUST(stat(name, &other));
    CHECK(s.st_ino == other.st_ino && s.st_rdev == other.st_rdev);
    SHOW(S_ISCHR(s.st_mode));
    snprintf(link, sizeof link, "/proc/self/fd/%d", slave);
    MUST(again = open(link, O_RDWR | O_NOCTTY));
    SHOW(isatty(again));
    close(again);
    CHECK(major(s.st_rdev) == 136 && minor(s.st_rdev) == (unsigned)number);
    MUST(fstat(master, &s));
    CHECK(s.st_rdev == makedev(5, 2));
    char *found = ttyname(slave);
    CHECK(found && !strcmp(found, name));
    SHOW(ready(master));
    SHOW(ready(slave));
    SHOW(ioctl(slave, TIOCGPTN, &number));
    SHOW(lseek(slave, 0, SEEK_SET));
    MUST(fcntl(master, F_SETFL, 0));
    int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    CHECK(peer >= 0 && isatty(peer));
    close(peer);
}

static void of_lines(void)
{
    int count = -1;
    struct termios t;
    MUST(tcgetattr(slave, &t));
    printf("%o %o %o %o\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
    for (int i = 0; i < 17; i++)
        printf("%d ", t.c_cc[i]);
    printf("\n");
    type("a line\n");
    SHOW(ready(slave));
    MUST(ioctl(slave, FIONREAD, &count));
    SHOW(count);
    got();
    shown();
    type("one\rtwo\npart");
    got();
    got();
    SHOW(ready(slave));
    MUST(fcntl(slave, F_SETFL, O_NONBLOCK));
    got();
    type("ial\n");
    SHOW(read(slave, back, 3));
    got();
    shown();
    type("xy\177z words here\027gone\025kept\n");
    got();
    shown();
    type("end\004");
    got();
    type("\004");
    got();
    got();
    shown();
    type("\001\033\n");
    got();
    shown();
    SHOW(write(slave, "to\nthe master\r\n", 15));
    shown();
    MUST(fcntl(slave, F_SETFL, 0));
}

static void of_modes(void)
{
    struct termios t, saved;
    MUST(tcgetattr(slave, &saved));
    t = saved;
    t.c_lflag &= ~ECHO;
    MUST(tcsetattr(slave, TCSANOW, &t));
    type("silent\n");
    got();
    shown();
    cfmakeraw(&t);
    MUST(tcsetattr(slave, TCSAFLUSH, &t));
    type("r\r\n\003\004");
    SHOW(ready(slave));
    got();
    shown();
    SHOW(write(slave, "x\ny", 3));
    shown();
    t.c_cc[VMIN] = 0;
    MUST(tcsetattr(slave, TCSADRAIN, &t));
    got();
    t.c_cc[VTIME] = 1;
    MUST(tcsetattr(slave, TCSANOW, &t));
    long before = now_ms();
    got();
    CHECK(now_ms() - before >= 90);
    type("now");
    got();
    type("flushed");
    SHOW(tcflush(slave, TCIFLUSH));
    SHOW(tcflush(slave, 7));
    t.c_cc[VTIME] = 0;
    MUST(tcsetattr(slave, TCSANOW, &t));
    got();
    SHOW(tcdrain(slave));
    SHOW(tcsendbreak(slave, 0));
    MUST(tcsetattr(slave, TCSANOW, &saved));
    MUST(tcgetattr(master, &t));
    CHECK(t.c_lflag == saved.c_lflag);
    SHOW(ioctl(master, TCGETS, (void *)8));
}

static void of_windows(void)
{
    struct winsize w = {1, 1, 1, 1};
    SHOW(ioctl(slave, TIOCGWINSZ, &w));
    printf("%d %d %d %d\n", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
    w = (struct winsize){25, 100, 3, 4};
    SHOW(ioctl(master, TIOCSWINSZ, &w));
    w = (struct winsize){0};
    SHOW(ioctl(slave, TIOCGWINSZ, &w));
    printf("%d %d %d %d\n", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
}

static void of_hanging_up(void)
{
    SHOW(write(slave, "last", 4));
    close(slave);
    SHOW(ready(master) & (POLLIN | POLLHUP));
    shown();
    SHOW(read(master, back, 10));
    SHOW(ready(master) & (POLLIN | POLLHUP));
    char name[64];
    MUST(ptsname_r(master, name, sizeof name));
    MUST(slave = open(name, O_RDWR | O_NOCTTY));
    SHOW(ready(master) & POLLHUP);
    close(master);
    SHOW(ready(slave) & (POLLIN | POLLHUP));
    SHOW(read(slave, back, 10));
    SHOW(write(slave, "x", 1));
    SHOW(open(name, O_RDWR | O_NOCTTY));
    close(slave);
}

static void on_signal(int number)
{
    const char *name = number == SIGINT ? "interrupt\n" : number == SIGWINCH ? "window\n" : "?\n";
    write(STDOUT_FILENO, name, strlen(name));
}

static void of_sessions(void)
{
    pid_t group = -1, child;
    MUST(openpty(&master, &slave, NULL, NULL, NULL));
    SHOW(tcgetpgrp(slave));
    child = fork();
    if (child == 0) {
        close(master);
        SHOW(ioctl(slave, TIOCSCTTY, 0) < 0);
        if (login_tty(slave))
            _exit(1);
        struct sigaction action = {.sa_handler = on_signal};
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGWINCH, &action, NULL);
        CHECK(tcgetpgrp(0) == getpid());
        CHECK(tcgetsid(0) == getpid());
        fflush(stdout);
        SHOW(read(0, back, 10)); /* interrupted */
        fflush(stdout);
        pause();
        SHOW(read(0, back, 10));
        fflush(stdout);
        _exit(7);
    }
    close(slave);
    long size = 0, more;
    int step = 0, status;
    while ((more = read(master, back + size, sizeof back - size)) > 0) {
        size += more;
        back[size] = 0;
        if (step == 0 && strstr(back, "tcgetsid(0)")) {
            sleep_ms(50);
            type("typed\003");
            step++;
        } else if (step == 1 && strstr(back, "EINTR")) {
            struct winsize w = {10, 20, 0, 0};
            sleep_ms(50);
            MUST(ioctl(master, TIOCSWINSZ, &w));
            step++;
        } else if (step == 2 && strstr(back, "window")) {
            sleep_ms(50);
            type("hello\n");
            step++;
        }
    }
    CHECK(more == -1 && errno == EIO);
    for (char *line = strtok(back, "\r\n"); line; line = strtok(NULL, "\r\n"))
        printf("child: %s\n", line);
    MUST(waitpid(child, &status, 0));
    SHOW(WEXITSTATUS(status));
    SHOW(ioctl(master, TIOCGPGRP, &group));
    close(master);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    of_opening();
    of_lines();
    of_modes();
    of_windows();
    of_hanging_up();
    of_sessions();
    return 0;
}
