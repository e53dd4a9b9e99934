/* Makes the arguments of some calls agree with each other, so that the call does something. */
#include "fuzz.h"

enum { AT_FDCWD = -100, SET_BYTES = 8 };

/* Where resources.c has which descriptors. */
enum { EVENTS = 17, EPOLL = 21, INOTIFY = 23, QUEUE = 26, SOCKETS = 27, SOCKET_COUNT = 17 };

static word socket_of(struct fuzzer *fuzzer)
{
    return fuzzer->fds[SOCKETS + below(fuzzer, SOCKET_COUNT)];
}

static void mend_mapping(struct fuzzer *fuzzer, word *argument)
{
    enum { SHARED_OR_PRIVATE = 3, FIXED = 0x10, ANONYMOUS = 0x20 };
    argument[1] = PAGE << below(fuzzer, 6);
    argument[2] = below(fuzzer, 4);
    argument[3] = 1 + below(fuzzer, SHARED_OR_PRIVATE - 1);
    argument[3] |= one_in(fuzzer, 2) ? ANONYMOUS : 0;
    argument[3] |= one_in(fuzzer, 2) && argument[0] >= ARENA(0) ? FIXED : 0;
    argument[5] = below(fuzzer, 4) * PAGE;
}

static void mend_socket(struct fuzzer *fuzzer, word *argument)
{
    static const unsigned char kinds[][3] = {
        {1, 1, 0}, {1, 2, 0}, {1, 5, 0}, {2, 1, 0}, {2, 2, 0}, {10, 1, 0}, {10, 2, 0}, {16, 3, 0},
    };
    const unsigned char *kind = kinds[below(fuzzer, sizeof kinds / sizeof *kinds)];
    argument[0] = kind[0];
    argument[1] = kind[1] | (one_in(fuzzer, 2) ? 0x800 : 0);
    argument[2] = kind[2];
}

static void mend_option(struct fuzzer *fuzzer, word *argument)
{
    static const unsigned char levels[] = {0, 1, 1, 6, 41};
    argument[0] = socket_of(fuzzer);
    argument[1] = levels[below(fuzzer, sizeof levels)];
    argument[2] = below(fuzzer, 75);
    argument[4] = 4 << below(fuzzer, 3);
}

/* Ids of the few objects that shmget(2) and its like have made. */
static void mend_ipc(struct fuzzer *fuzzer, word *argument)
{
    argument[0] = below(fuzzer, 4);
}

static void mend_get(struct fuzzer *fuzzer, word *argument, int flags_at)
{
    argument[0] = below(fuzzer, 3);
    if (flags_at == 2)
        argument[1] = 1 + below(fuzzer, 20);
    argument[flags_at] = 01600;
}

static int is_about_sockets(long number)
{
    return (number >= __NR_connect && number <= __NR_getpeername) || number == __NR_accept4
           || number == __NR_recvmmsg || number == __NR_sendmmsg;
}

/* The length of a set of signals, by where it is; -1 where there is none. */
static int set_size_at(long number)
{
    switch (number) {
    case __NR_rt_sigaction:
    case __NR_rt_sigprocmask:
    case __NR_rt_sigtimedwait:
        return 3;
    case __NR_rt_sigpending:
    case __NR_rt_sigsuspend:
        return 1;
    case __NR_signalfd:
    case __NR_signalfd4:
        return 2;
    case __NR_ppoll:
        return 4;
    case __NR_epoll_pwait:
    case __NR_epoll_pwait2:
        return 5;
    default:
        return -1;
    }
}

static void mend_events(struct fuzzer *fuzzer, long number, word *argument)
{
    switch (number) {
    case __NR_epoll_ctl:
        argument[0] = fuzzer->fds[EPOLL + below(fuzzer, 2)];
        argument[1] = 1 + below(fuzzer, 3);
        break;
    case __NR_epoll_wait:
    case __NR_epoll_pwait:
    case __NR_epoll_pwait2:
        argument[0] = fuzzer->fds[EPOLL + below(fuzzer, 2)];
        argument[2] = 1 + below(fuzzer, 20);
        break;
    case __NR_inotify_add_watch:
    case __NR_inotify_rm_watch:
        argument[0] = fuzzer->fds[INOTIFY];
        break;
    case __NR_mq_timedsend:
    case __NR_mq_timedreceive:
    case __NR_mq_notify:
    case __NR_mq_getsetattr:
        argument[0] = fuzzer->fds[QUEUE];
        break;
    case __NR_timerfd_settime:
    case __NR_timerfd_gettime:
        argument[0] = fuzzer->fds[EVENTS + 2];
        break;
    default:
        break;
    }
}

static void mend_files(long number, word *argument)
{
    switch (number) {
    case __NR_copy_file_range:
    case __NR_setxattr:
    case __NR_lsetxattr:
    case __NR_fsetxattr:
        argument[number == __NR_copy_file_range ? 5 : 4] = 0;
        break;
    case __NR_linkat:
    case __NR_renameat2:
        argument[4] = 0;
        argument[2] = AT_FDCWD;
        argument[0] = AT_FDCWD;
        break;
    case __NR_openat:
    case __NR_mkdirat:
    case __NR_mknodat:
    case __NR_fchownat:
    case __NR_newfstatat:
    case __NR_unlinkat:
    case __NR_readlinkat:
    case __NR_fchmodat:
    case __NR_utimensat:
    case __NR_statx:
    case __NR_execveat:
        argument[0] = AT_FDCWD;
        break;
    default:
        break;
    }
}

static void mend_objects(struct fuzzer *fuzzer, long number, word *argument)
{
    switch (number) {
    case __NR_shmget:
    case __NR_semget:
        mend_get(fuzzer, argument, 2);
        break;
    case __NR_msgget:
        mend_get(fuzzer, argument, 1);
        break;
    case __NR_msgsnd:
    case __NR_msgrcv:
        argument[2] = below(fuzzer, 200);
        argument[number == __NR_msgsnd ? 3 : 4] = 04000;
        mend_ipc(fuzzer, argument);
        break;
    case __NR_semop:
    case __NR_semtimedop:
        argument[2] = 1 + below(fuzzer, 3);
        mend_ipc(fuzzer, argument);
        break;
    case __NR_shmat:
    case __NR_shmctl:
    case __NR_msgctl:
    case __NR_semctl:
        mend_ipc(fuzzer, argument);
        break;
    default:
        break;
    }
}

void mend(struct fuzzer *fuzzer, long number, word *argument)
{
    if (one_in(fuzzer, 3))
        return;
    int set_size = set_size_at(number);
    if (set_size >= 0)
        argument[set_size] = SET_BYTES;
    if (number == __NR_mmap)
        mend_mapping(fuzzer, argument);
    else if (number == __NR_socket || number == __NR_socketpair)
        mend_socket(fuzzer, argument);
    else if (number == __NR_setsockopt || number == __NR_getsockopt)
        mend_option(fuzzer, argument);
    else if (is_about_sockets(number))
        argument[0] = socket_of(fuzzer);
    mend_events(fuzzer, number, argument);
    mend_files(number, argument);
    mend_objects(fuzzer, number, argument);
}
