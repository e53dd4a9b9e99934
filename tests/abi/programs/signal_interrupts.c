/* signal(7) § Interruption of system calls by signal handlers: SA_RESTART against EINTR. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

static volatile int handled;
static int fds[2];

static void handler(int signal)
{
    (void)signal;
    handled++;
}

static void *disturb(void *arg)
{
    sleep_ms(30);
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    sleep_ms(60);
    MUST(write(fds[1], "x", 1));
    return NULL;
}

static pthread_t main_thread, helper;

static void begin(int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    handled = 0;
    pthread_create(&helper, NULL, disturb, &main_thread);
}

static void end(void)
{
    char c;
    pthread_join(helper, NULL);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    while (read(fds[0], &c, 1) == 1)
        ;
    fcntl(fds[0], F_SETFL, 0);
    printf("handled: %d\n", handled);
}

int main(void)
{
    char c;
    main_thread = pthread_self();
    MUST(pipe(fds));
    begin(0);
    SHOW(read(fds[0], &c, 1));
    end();
    begin(SA_RESTART);
    SHOW(read(fds[0], &c, 1));
    end();
    struct pollfd p = {fds[0], POLLIN, 0};
    begin(SA_RESTART);
    SHOW(poll(&p, 1, 1000));
    end();
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event);
    begin(SA_RESTART);
    SHOW(epoll_wait(epoll, &event, 1, 1000));
    end();
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fds[0], &set);
    struct timeval second = {1, 0};
    begin(SA_RESTART);
    SHOW(select(fds[0] + 1, &set, NULL, NULL, &second));
    end();
    struct timespec request = {1, 0}, left = {0, 0};
    begin(SA_RESTART);
    SHOW(nanosleep(&request, &left));
    CHECK(left.tv_sec == 0 && left.tv_nsec > 500000000);
    end();
    begin(SA_RESTART);
    SHOW(pause());
    end();
    sigset_t none;
    sigemptyset(&none);
    begin(0);
    SHOW(ppoll(&p, 1, NULL, &none));
    end();
    close(epoll);
    close(fds[0]);
    close(fds[1]);
    return 0;
}
