/* accept(2), poll(2), epoll(7) EPOLLEXCLUSIVE, socket(7) SO_REUSEPORT: several threads wait for connections
 * to one listener, or to several listeners on one port; every connection is taken and nobody waits on. */
#include "sockets.h"
#include <sys/epoll.h>
#include <stdatomic.h>

#define THREADS 4
#define ROUNDS 40

static atomic_int taken, waiting, wakeups;
static int server, epolls[THREADS];

static int unix_listener(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0together"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t) + 9));
    MUST(listen(fd, 128));
    return fd;
}

static int client(int local)
{
    if (!local)
        return connected(server);
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0together"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(connect(fd, (struct sockaddr *)&a, sizeof(sa_family_t) + 9));
    return fd;
}

static void *accepts(void *none)
{
    waiting++;
    for (;;) {
        int fd = accept(server, NULL, NULL);
        char byte;
        MUST(fd);
        MUST(read(fd, &byte, 1));
        close(fd);
        if (byte == 'q')
            return none;
        taken++;
    }
}

/* Looks at the listener and takes nothing: it must not eat the wake-up of those who accept. Where those take
 * each connection before it is looked at, poll(2) goes on waiting: only one that nobody takes ends it. */
static void *only_looks(void *none)
{
    struct pollfd p = {server, POLLIN, 0};
    waiting++;
    MUST(poll(&p, 1, -1));
    return none;
}

static void say(int fd, char byte)
{
    MUST(write(fd, &byte, 1));
    close(fd);
}

static void await(atomic_int *what, int value)
{
    for (int ms = 0; *what < value && ms < 5000; ms++)
        sleep_ms(1);
}

static void blocked(int local)
{
    pthread_t threads[THREADS], looker;
    taken = waiting = 0;
    server = local ? unix_listener() : listener(128);
    pthread_create(&looker, NULL, only_looks, NULL);
    await(&waiting, 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, accepts, NULL);
    await(&waiting, 1 + THREADS);
    sleep_ms(20);
    for (int i = 0; i < ROUNDS; i++)
        say(client(local), 'x');
    await(&taken, ROUNDS);
    SHOW(taken);
    for (int i = 0; i < THREADS; i++)
        say(client(local), 'q');
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    int untaken = client(local);
    pthread_join(looker, NULL);
    close(untaken);
    close(server);
}

static void *waits(void *argument)
{
    int epoll = *(int *)argument;
    struct epoll_event event;
    for (;;) {
        waiting++;
        if (epoll_wait(epoll, &event, 1, -1) != 1)
            continue;
        wakeups++;
        int fd = accept4(server, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0)
            continue;
        char byte = 0;
        while (read(fd, &byte, 1) != 1)
            sleep_ms(1);
        close(fd);
        if (byte == 'q')
            return argument;
        taken++;
    }
}

/* Each thread with an instance of its own, as nginx's workers. */
static void exclusive(unsigned how)
{
    pthread_t threads[THREADS];
    taken = waiting = wakeups = 0;
    server = listener(128);
    fcntl(server, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < THREADS; i++) {
        struct epoll_event event = {EPOLLIN | how, {0}};
        epolls[i] = epoll_create1(0);
        MUST(epoll_ctl(epolls[i], EPOLL_CTL_ADD, server, &event));
        pthread_create(&threads[i], NULL, waits, &epolls[i]);
    }
    await(&waiting, THREADS);
    sleep_ms(20);
    for (int i = 0; i < ROUNDS; i++) {
        say(client(0), 'x');
        await(&taken, i + 1);
        sleep_ms(2);
    }
    SHOW(taken);
    if (how)
        CHECK(wakeups < ROUNDS * 2); /* one each, not all four */
    for (int i = 0; i < THREADS; i++)
        say(client(0), 'q');
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        close(epolls[i]);
    close(server);
}

/* Several listeners on one port: flows are spread over them, and one that is closed gets none. */
static void spread(void)
{
    int listeners[3], count[3] = {0}, on = 1;
    struct sockaddr_in a = loopback(0);
    for (int i = 0; i < 3; i++) {
        listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        MUST(setsockopt(listeners[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
        MUST(bind(listeners[i], (struct sockaddr *)&a, sizeof a));
        a.sin_port = htons(port_of(listeners[i]));
        MUST(listen(listeners[i], 128));
    }
    for (int i = 0; i < 90; i++) {
        close(connected(listeners[0]));
        for (int l = 0; l < 3; l++) {
            int fd = accept(listeners[l], NULL, NULL);
            if (fd >= 0) {
                count[l]++;
                close(fd);
            }
        }
    }
    SHOW(count[0] + count[1] + count[2]);
    CHECK(count[0] > 5 && count[1] > 5 && count[2] > 5);
    close(listeners[1]);
    count[0] = count[2] = 0;
    for (int i = 0; i < 40; i++) {
        close(connected(listeners[0]));
        for (int l = 0; l < 3; l += 2) {
            int fd = accept(listeners[l], NULL, NULL);
            if (fd >= 0) {
                count[l]++;
                close(fd);
            }
        }
    }
    SHOW(count[0] + count[2]);
    int strict = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(bind(strict, (struct sockaddr *)&a, sizeof a));
    close(strict);
    close(listeners[0]);
    close(listeners[2]);
}

int main(void)
{
    blocked(0);
    blocked(1);
    exclusive(EPOLLEXCLUSIVE);
    exclusive(0);
    spread();
    return 0;
}
