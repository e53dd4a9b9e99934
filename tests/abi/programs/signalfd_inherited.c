/* signalfd(2) § fork(2) semantics: a descriptor that was inherited reads the signals of who reads;
 * and what ssi_status, ssi_tid and the like hold for a child and for a timer. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

static int only(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, 0);
}

static void read_in_child(int fd, int polls_first)
{
    struct signalfd_siginfo info;
    struct pollfd polled = {fd, POLLIN, 0};
    alarm(3);
    if (polls_first)
        SHOW(poll(&polled, 1, 2000));
    SHOW(read(fd, &info, sizeof info));
    SHOW(info.ssi_signo);
    fflush(stdout);
    _exit(7);
}

static void of_child(int fd, int polls_first)
{
    struct signalfd_siginfo info = {0};
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        read_in_child(fd, polls_first);
    sleep_ms(100);
    kill(child, SIGUSR1);
    MUST(waitpid(child, &status, 0));
    printf("status %x\n", status);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    MUST(read(fd, &info, sizeof info));
    CHECK(info.ssi_pid == (uint32_t)child);
    printf("signal %u status %d code %d int %d\n", info.ssi_signo, info.ssi_status, info.ssi_code,
           info.ssi_int);
    fcntl(fd, F_SETFL, 0);
}

static void of_timer(int fd)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec soon = {{0, 0}, {0, 1000000}};
    struct signalfd_siginfo info = {0};
    timer_t first, second;
    event.sigev_value.sival_int = 77;
    MUST(timer_create(CLOCK_MONOTONIC, &event, &first));
    MUST(timer_create(CLOCK_MONOTONIC, &event, &second));
    MUST(timer_settime(second, 0, &soon, NULL));
    MUST(read(fd, &info, sizeof info));
    printf("code %d timer %d pid %d int %d overrun %u\n", info.ssi_code, info.ssi_tid, info.ssi_pid,
           info.ssi_int, info.ssi_overrun);
}

int main(void)
{
    int fd = only(SIGUSR1);
    of_child(fd, 0);
    of_child(fd, 1);
    of_timer(only(SIGRTMIN));
    return 0;
}
