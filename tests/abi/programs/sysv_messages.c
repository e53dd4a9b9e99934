/* msgget(2), msgsnd(2), msgrcv(2), msgctl(2). */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#define KEY 0x68736b33

static int queue;

struct message {
    long type;
    char text[16384];
};

static int put(long type, const char *text, int flags)
{
    static struct message message;
    message.type = type;
    strcpy(message.text, text);
    return msgsnd(queue, &message, strlen(text), flags);
}

static void take(long type, size_t room, int flags)
{
    static struct message message;
    memset(&message, 0, sizeof message);
    ssize_t size = msgrcv(queue, &message, room, type, flags);
    if (size < 0)
        printf("type %ld: %s\n", type, strerrorname_np(errno));
    else
        printf("type %ld: %zd bytes of type %ld: %.20s\n", type, size, message.type, message.text);
}

static void tell(void)
{
    struct msqid_ds status;
    if (msgctl(queue, IPC_STAT, &status) < 0) {
        printf("%s\n", strerrorname_np(errno));
        return;
    }
    printf("messages %lu bytes %lu limit %lu sender %d receiver %d mode %o\n", status.msg_qnum,
           status.__msg_cbytes, status.msg_qbytes, status.msg_lspid == getpid(),
           status.msg_lrpid == getpid(), status.msg_perm.mode);
}

static void by_type(void)
{
    tell();
    SHOW(put(5, "five", 0));
    SHOW(put(3, "three", 0));
    SHOW(put(7, "", 0));
    SHOW(put(3, "three again", 0));
    SHOW(put(5, "five again", 0));
    tell();
    take(2, IPC_NOWAIT, MSG_COPY | IPC_NOWAIT);
    take(1, 100, MSG_COPY | IPC_NOWAIT);
    take(9, 100, MSG_COPY | IPC_NOWAIT);
    take(1, 100, MSG_COPY);
    take(3, 2, 0);
    take(3, 2, MSG_NOERROR);
    take(-4, 100, 0);
    take(5, 100, MSG_EXCEPT);
    take(-4, 100, IPC_NOWAIT);
    take(9, 100, IPC_NOWAIT);
    take(0, 100, 0);
    take(5, 100, 0);
    take(0, 100, IPC_NOWAIT);
    tell();
}

static void what_is_refused(void)
{
    static struct message message = {.type = 1};
    SHOW(put(0, "none", 0));
    SHOW(put(-1, "none", 0));
    SHOW(msgsnd(queue, &message, 8193, 0));
    SHOW(msgsnd(queue, &message, -1, 0));
    SHOW(msgsnd(queue, NULL, 1, 0));
    SHOW(msgsnd(12345678, &message, 1, 0));
    SHOW(msgrcv(queue, &message, -1, 0, IPC_NOWAIT));
    SHOW(msgrcv(12345678, &message, 1, 0, IPC_NOWAIT));
    SHOW(msgctl(queue, 99, NULL));
    SHOW(msgctl(queue, IPC_STAT, NULL));
    SHOW(msgget(KEY, 0));
    int id = msgget(KEY, IPC_CREAT | 0600);
    CHECK(id >= 0 && msgget(KEY, IPC_CREAT) == id);
    SHOW(msgget(KEY, IPC_CREAT | IPC_EXCL));
    SHOW(msgctl(id, IPC_RMID, NULL));
    SHOW(msgget(KEY, 0));
}

static void *send_more(void *unused) { return (void *)(long)put(2, "more", 0); }

static void *receive_nine(void *unused)
{
    static struct message message;
    long r = msgrcv(queue, &message, 100, 9, 0);
    return (void *)(r < 0 ? -(long)errno : r);
}

static long join(pthread_t thread)
{
    void *result;
    pthread_join(thread, &result);
    return (long)result;
}

static void full(void)
{
    static struct message message = {.type = 1};
    SHOW(msgsnd(queue, &message, 8192, IPC_NOWAIT));
    SHOW(msgsnd(queue, &message, 8190, IPC_NOWAIT));
    SHOW(put(2, "much", IPC_NOWAIT));
    tell();
    pthread_t thread;
    pthread_create(&thread, NULL, send_more, NULL);
    sleep_ms(20);
    take(1, 8192, 0);
    printf("%ld\n", join(thread));
    take(1, 8192, 0);
    take(0, 100, 0);
    struct msqid_ds status;
    msgctl(queue, IPC_STAT, &status);
    status.msg_qbytes = 5;
    status.msg_perm.mode = 0622;
    SHOW(msgctl(queue, IPC_SET, &status));
    SHOW(put(1, "", IPC_NOWAIT));
    SHOW(put(1, "123456", IPC_NOWAIT));
    SHOW(put(1, "12345", IPC_NOWAIT));
    tell();
    take(0, 100, 0);
    take(0, 100, 0);
}

static void on_alarm(int signal) {}

static void waiting(void)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    ualarm(30000, 0);
    take(0, 100, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, receive_nine, NULL);
    sleep_ms(20);
    SHOW(put(8, "8", 0));
    SHOW(put(9, "nine", 0));
    printf("%ld\n", join(thread));
    pthread_create(&thread, NULL, receive_nine, NULL);
    sleep_ms(20);
    SHOW(msgctl(queue, IPC_RMID, NULL));
    CHECK(join(thread) == -EIDRM);
    tell();
}

static void limits(void)
{
    struct msginfo info;
    CHECK(msgctl(0, IPC_INFO, (void *)&info) >= 0);
    printf("%d %d %d %d %d %d %d %d\n", info.msgpool, info.msgmap, info.msgmax, info.msgmnb, info.msgmni,
           info.msgssz, info.msgtql, info.msgseg);
    struct msqid_ds status;
    int highest = msgctl(0, MSG_INFO, (void *)&info), seen = 0;
    CHECK(highest >= 0 && info.msgpool >= 1);
    for (int index = 0; index <= highest; index++)
        seen += msgctl(index, MSG_STAT, &status) == queue;
    CHECK(seen == 1);
}

int main(void)
{
    MUST(queue = msgget(IPC_PRIVATE, 0600));
    by_type();
    what_is_refused();
    full();
    limits();
    waiting();
    return 0;
}
