/* poll(2), ppoll(2): each event on each end, errors and hang-ups unasked, timeouts, waking. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>

static int p[2], q[2];

static void *later(void *arg)
{
    (void)arg;
    sleep_ms(30);
    return (void *)write(p[1], "x", 1);
}

static void *close_later(void *arg)
{
    (void)arg;
    sleep_ms(30);
    return (void *)(long)close(q[1]);
}

static void tell(const char *what, struct pollfd *fds, int count, int timeout_ms)
{
    int ready = poll(fds, count, timeout_ms);
    printf("%s: %d:", what, ready);
    for (int i = 0; i < count; i++)
        printf(" %x", fds[i].revents);
    printf("\n");
}

static void on_signal(int signal) { (void)signal; }

int main(void)
{
    pthread_t thread;
    MUST(pipe(p));
    MUST(pipe(q));
    struct pollfd all[] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {p[0], POLLOUT, 0}, {p[1], POLLIN, 0},
                           {-1, POLLIN, -1}, {99, POLLIN, 0}, {p[0], 0, 0}};
    tell("empty pipe", all, 4, 0);
    tell("and bad ones", all, 7, 0);
    MUST(write(p[1], "x", 1));
    tell("filled pipe", all, 4, 0);
    struct pollfd names[] = {{p[0], POLLIN | POLLRDNORM | POLLPRI | POLLRDBAND, 0},
                             {p[1], POLLOUT | POLLWRNORM | POLLWRBAND, 0}};
    tell("every name", names, 2, 0);
    char byte;
    MUST(read(p[0], &byte, 1));
    long before = now_ms();
    tell("timeout", all, 1, 30);
    CHECK(now_ms() - before >= 29);
    SHOW(poll(NULL, 0, 10));
    pthread_create(&thread, NULL, later, NULL);
    tell("woken by bytes", all, 1, 5000);
    pthread_join(thread, NULL);
    MUST(read(p[0], &byte, 1));
    struct pollfd hang[] = {{q[0], POLLIN, 0}, {q[0], 0, 0}};
    pthread_create(&thread, NULL, close_later, NULL);
    tell("woken by a close, asked for nothing", hang + 1, 1, 5000);
    pthread_join(thread, NULL);
    tell("hung up", hang, 2, 0);
    close(q[0]);
    MUST(pipe(q));
    close(q[0]);
    struct pollfd broken = {q[1], POLLOUT, 0};
    tell("no reader", &broken, 1, 0);
    broken.events = 0;
    tell("no reader, asked for nothing", &broken, 1, 0);
    close(q[1]);

    int file = open("f", O_RDWR | O_CREAT, 0644);
    struct pollfd always = {file, POLLIN | POLLOUT | POLLPRI, 0};
    tell("file", &always, 1, 0);
    close(file);
    unlink("f");

    struct timespec t = {0, 20000000}, bad = {0, 1000000000}, negative = {-1, 0};
    SHOW(ppoll(all, 1, &t, NULL));
    SHOW(t.tv_nsec);
    SHOW(ppoll(all, 1, &bad, NULL));
    SHOW(ppoll(all, 1, &negative, NULL));
    sigset_t usr, none;
    sigemptyset(&none);
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr, NULL);
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    SHOW(poll(all, 1, 10));
    SHOW(ppoll(all, 1, NULL, &none));
    sigprocmask(SIG_SETMASK, NULL, &none);
    CHECK(sigismember(&none, SIGUSR1));
    SHOW(syscall(SYS_ppoll, all, 1, &t, &none, 4));
    SHOW(poll((struct pollfd *)8, 1, 0));
    SHOW(poll(all, 2000000000, 0));
    close(p[0]);
    close(p[1]);
    return 0;
}
