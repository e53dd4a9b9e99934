/* mq_open(3), mq_send(3), mq_receive(3), mq_notify(3), mq_getattr(3), mq_unlink(3), mq_overview(7).
 * libraries: -lrt */
#include "check.h"
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#define NAME "/husk-queue"

static void tell(mqd_t queue)
{
    struct mq_attr a;
    SHOW(mq_getattr(queue, &a));
    printf("flags %lx messages %ld of %ld, %ld bytes\n", a.mq_flags, a.mq_curmsgs, a.mq_maxmsg, a.mq_msgsize);
}

static void take(mqd_t queue, size_t room)
{
    static char text[8192];
    unsigned priority = 0;
    ssize_t size = mq_receive(queue, text, room, &priority);
    if (size < 0)
        printf("%s\n", strerrorname_np(errno));
    else
        printf("%zd bytes of priority %u: %.*s\n", size, priority, (int)size, text);
}

static void opening(void)
{
    struct mq_attr a = {.mq_maxmsg = 4, .mq_msgsize = 32}, bad = {.mq_maxmsg = 0, .mq_msgsize = 32};
    SHOW(mq_open(NAME, O_RDWR));
    SHOW(mq_open("no-slash", O_RDWR | O_CREAT, 0600, NULL));
    SHOW(mq_open("/two/slashes", O_RDWR | O_CREAT, 0600, NULL));
    SHOW(mq_open("/", O_RDWR | O_CREAT, 0600, NULL));
    SHOW(mq_open(NAME, O_RDWR | O_CREAT, 0600, &bad));
    mqd_t queue = mq_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600, &a);
    CHECK(queue >= 0);
    CHECK(fcntl(queue, F_GETFD) == FD_CLOEXEC);
    SHOW(mq_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600, &a));
    struct stat status;
    SHOW(fstat(queue, &status));
    printf("mode %o size %ld\n", status.st_mode, (long)status.st_size);
    tell(queue);
    mqd_t reader = mq_open(NAME, O_RDONLY), writer = mq_open(NAME, O_WRONLY | O_CREAT, 0600, NULL);
    SHOW(mq_send(reader, "x", 1, 0));
    take(writer, 32);
    SHOW(mq_send(writer, "through another", 15, 0));
    take(reader, 32);
    mq_close(reader);
    mq_close(writer);
    mq_close(queue);
    SHOW(mq_send(queue, "x", 1, 0));
    SHOW(mq_send(1, "x", 1, 0));
    SHOW(mq_unlink(NAME));
    SHOW(mq_unlink(NAME));
    queue = mq_open(NAME, O_RDWR | O_CREAT, 0600, NULL);
    tell(queue);
    SHOW(mq_unlink(NAME));
    SHOW(mq_send(queue, "nameless", 8, 0));
    static char text[8192];
    SHOW(mq_receive(queue, text, sizeof text, NULL));
    mq_close(queue);
}

static void by_priority(mqd_t queue)
{
    SHOW(mq_send(queue, "low", 3, 1));
    SHOW(mq_send(queue, "high", 4, 9));
    SHOW(mq_send(queue, "also low", 8, 1));
    SHOW(mq_send(queue, "", 0, 32767));
    SHOW(mq_send(queue, "x", 1, 32768));
    char large[33] = "";
    SHOW(mq_send(queue, large, 33, 0));
    take(queue, 31);
    tell(queue);
    struct timespec past = {0, 0}, bad = {0, -1};
    SHOW(mq_timedsend(queue, "x", 1, 0, &past));
    SHOW(mq_timedsend(queue, "x", 1, 0, &bad));
    struct pollfd poll_queue = {queue, POLLIN | POLLOUT, 0};
    SHOW(poll(&poll_queue, 1, 0));
    printf("events %x\n", poll_queue.revents);
    for (int i = 0; i < 4; i++)
        take(queue, 32);
    poll_queue.revents = 0;
    SHOW(poll(&poll_queue, 1, 0));
    printf("events %x\n", poll_queue.revents);
    char text[32];
    SHOW(mq_timedreceive(queue, text, 32, NULL, &past));
}

static void not_waiting(mqd_t queue)
{
    struct mq_attr a = {.mq_flags = O_NONBLOCK}, old, bad = {.mq_flags = O_APPEND};
    SHOW(mq_setattr(queue, &bad, NULL));
    SHOW(mq_setattr(queue, &a, &old));
    printf("before %lx\n", old.mq_flags);
    tell(queue);
    take(queue, 32);
    for (int i = 0; i < 5; i++)
        SHOW(mq_send(queue, "x", 1, 0));
    for (int i = 0; i < 4; i++)
        take(queue, 32);
    a.mq_flags = 0;
    SHOW(mq_setattr(queue, &a, NULL));
}

static volatile int told, told_value, told_code;

static void on_message(int signal, siginfo_t *info, void *context)
{
    told++;
    told_value = info->si_value.sival_int;
    told_code = info->si_code;
}

static void notification(mqd_t queue)
{
    struct sigaction action = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
    struct sigevent none = {.sigev_notify = SIGEV_NONE}, wrong = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 99};
    SHOW(mq_notify(queue, &wrong));
    SHOW(mq_notify(queue, &event));
    SHOW(mq_notify(queue, &none));
    SHOW(mq_send(queue, "one", 3, 0));
    printf("told %d value %d code %s\n", told, told_value, told_code == SI_MESGQ ? "SI_MESGQ" : "other");
    SHOW(mq_send(queue, "two", 3, 0));
    SHOW(mq_notify(queue, &event));
    SHOW(mq_send(queue, "three", 5, 0));
    printf("told %d\n", told);
    for (int i = 0; i < 3; i++)
        take(queue, 32);
    SHOW(mq_notify(queue, NULL));
    SHOW(mq_send(queue, "four", 4, 0));
    printf("told %d\n", told);
    take(queue, 32);
    mqd_t other = mq_open(NAME, O_RDWR);
    SHOW(mq_notify(other, &event));
    SHOW(mq_close(other));
    SHOW(mq_notify(queue, &none));
    SHOW(mq_notify(queue, NULL));
}

static void *receive(void *queue)
{
    take((mqd_t)(long)queue, 32);
    return NULL;
}

/* Who waits for the message gets it; who asked to be told is not. */
static void a_receiver_comes_first(mqd_t queue)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    told = 0;
    SHOW(mq_notify(queue, &event));
    pthread_t thread;
    pthread_create(&thread, NULL, receive, (void *)(long)queue);
    sleep_ms(30);
    int sent = mq_send(queue, "to a receiver", 13, 3);
    pthread_join(thread, NULL);
    SHOW(sent);
    printf("told %d\n", told);
    SHOW(mq_notify(queue, NULL));
}

int main(void)
{
    mq_unlink(NAME);
    opening();
    struct mq_attr a = {.mq_maxmsg = 4, .mq_msgsize = 32};
    mqd_t queue = mq_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600, &a);
    MUST(queue);
    by_priority(queue);
    not_waiting(queue);
    notification(queue);
    a_receiver_comes_first(queue);
    mq_close(queue);
    mq_unlink(NAME);
    return 0;
}
