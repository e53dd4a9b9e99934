/* signal(7) § Interruption of system calls and library functions: the whole table, with SA_RESTART
 * and without. A timer's signal comes into each call; another thread ends the calls made again. */
#include "check.h"
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

enum { DISTURB_MS = 12, RELEASE_MS = 40 };
static volatile int handled;
static int p[2], full[2], s[2], event, full_event, e, timer;
static uint32_t word;
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static void (*release)(void);

static void handler(int signal)
{
    (void)signal;
    handled++;
}

static void nothing(void)
{
}

static void to_pipe(void)
{
    MUST(write(p[1], "x", 1));
}

static void from_full(void)
{
    static char page[65536];
    MUST(read(full[0], page, sizeof page));
}

static void to_socket(void)
{
    MUST(write(s[1], "x", 1));
}

static void to_event(void)
{
    uint64_t one = 1;
    MUST(write(event, &one, 8));
}

static void from_full_event(void)
{
    uint64_t value;
    MUST(read(full_event, &value, 8));
}

static void post(void)
{
    sem_post(&semaphore);
}

static void wake_word(void)
{
    word = 1;
    syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void *releases(void *arg)
{
    do
        sleep_ms(RELEASE_MS);
    while (!handled); /* a processor that stood still may have kept the signal back */
    release();
    return arg;
}

static void empty(int fd)
{
    char bytes[64];
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
    fcntl(fd, F_SETFL, 0);
}

static pthread_t helper;

static void begin(int flags, void (*what)(void))
{
    sigset_t alarm_only;
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    struct itimerval often = {{0, DISTURB_MS * 1000}, {0, DISTURB_MS * 1000}};
    sigaction(SIGALRM, &action, NULL);
    handled = word = 0;
    release = what;
    sigemptyset(&alarm_only); /* the signal must find the thread that waits */
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm_only, NULL);
    pthread_create(&helper, NULL, releases, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
}

static void end(const char *what, const char *how, long result)
{
    int error = errno;
    struct itimerval never_again = {{0, 0}, {0, 0}};
    pthread_join(helper, NULL);
    setitimer(ITIMER_REAL, &never_again, NULL);
    printf("%s, %s: %s, %s\n", what, how, result < 0 ? strerrorname_np(error) : "went on",
           handled > 0 ? "handled" : "not handled");
    empty(p[0]);
    empty(s[0]);
    empty(event);
}

#define EACH(call, releaser)                                                                   \
    do {                                                                                       \
        begin(0, releaser);                                                                    \
        end(#call, "plain", (long)(call));                                                     \
        begin(SA_RESTART, releaser);                                                           \
        end(#call, "SA_RESTART", (long)(call));                                                \
    } while (0)

static void fill(void)
{
    static char page[65536];
    MUST(pipe2(full, O_NONBLOCK));
    while (write(full[1], page, sizeof page) > 0)
        ;
    fcntl(full[1], F_SETFL, 0);
    fcntl(full[0], F_SETFL, 0);
    uint64_t most = UINT64_MAX - 1;
    full_event = eventfd(0, 0);
    MUST(write(full_event, &most, 8));
}

static void of_files(void)
{
    char bytes[8];
    static char page[4096];
    struct iovec vector = {bytes, 8};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct mmsghdr messages[1] = {{.msg_hdr = message}};
    uint64_t most = UINT64_MAX - 1;
    EACH(read(p[0], bytes, 8), to_pipe);
    EACH(readv(p[0], &vector, 1), to_pipe);
    EACH(write(full[1], page, 4096), from_full);
    EACH(read(event, bytes, 8), to_event);
    EACH(write(full_event, &most, 8), from_full_event);
    EACH(recv(s[0], bytes, 8, 0), to_socket);
    EACH(recvmsg(s[0], &message, 0), to_socket);
    EACH(recvmmsg(s[0], messages, 1, 0, NULL), to_socket);
    struct itimerspec soon = {{0, 0}, {0, 8000000}};
    MUST(timerfd_settime(timer, 0, &soon, NULL));
    begin(0, nothing);
    end("read of a timer", "plain", read(timer, bytes, 8));
    MUST(timerfd_settime(timer, 0, &soon, NULL));
    begin(SA_RESTART, nothing);
    end("read of a timer", "SA_RESTART", read(timer, bytes, 8));
}

static void of_waits(void)
{
    struct pollfd one = {p[0], POLLIN, 0};
    struct epoll_event got;
    struct timespec time = {0, 50000000}, monotonic;
    fd_set set;
    sigset_t none, usr2;
    sigemptyset(&none);
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    FD_ZERO(&set);
    EACH(poll(&one, 1, 1000), nothing);
    EACH(ppoll(&one, 1, NULL, NULL), nothing);
    EACH(select(0, &set, NULL, NULL, NULL), nothing);
    EACH(pselect(0, &set, NULL, NULL, NULL, &none), nothing);
    EACH(epoll_wait(e, &got, 1, -1), nothing);
    EACH(epoll_pwait(e, &got, 1, -1, &none), nothing);
    EACH(nanosleep(&time, NULL), nothing);
    EACH(-clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL), nothing);
    EACH(pause(), nothing);
    EACH(sigsuspend(&none), nothing);
    EACH(sigwaitinfo(&usr2, NULL), nothing);
    EACH(sigtimedwait(&usr2, NULL, &time), nothing);
    EACH(sem_wait(&semaphore), post);
    EACH(syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0), wake_word);
    EACH(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &time, NULL, 0), wake_word);
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    monotonic.tv_sec++;
    EACH(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &monotonic, NULL, 1), wake_word);
    pthread_mutex_lock(&mutex);
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_nsec += 15000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    begin(0, nothing); /* library functions that never fail with EINTR */
    end("pthread_cond_timedwait", "plain", pthread_cond_timedwait(&never, &mutex, &time) == ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
}

int main(void)
{
    MUST(pipe(p));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    event = eventfd(0, 0);
    e = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, 0);
    sem_init(&semaphore, 0, 0);
    fill();
    of_files();
    of_waits();
    SHOW(close_range(3, 100, 0));
    return 0;
}
