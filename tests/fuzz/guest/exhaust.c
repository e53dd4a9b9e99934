/* Takes memory in every form, from several processes, until there is no more: each is refused or
 * killed, and the kernel lives. */
#include "fuzz.h"

enum { TAKERS = 4, READ_WRITE = 3, NONBLOCKING = 0x800 };

static void touch(word at, word size_bytes)
{
    for (word offset = 0; offset < size_bytes; offset += PAGE)
        *(volatile char *)(at + offset) = 1;
}

static void take_mapping(struct fuzzer *fuzzer)
{
    word size = PAGE << below(fuzzer, 10);
    word flags = one_in(fuzzer, 2) ? 0x22 : 0x21;
    long at = CALL(mmap, 0, size, READ_WRITE, flags, -1ul, 0);
    if (at > 0 && one_in(fuzzer, 2))
        touch(at, size);
    if (at > 0 && one_in(fuzzer, 2)) /* what is free is not in one piece */
        for (word page = 0; page < size; page += 2 * PAGE)
            CALL(madvise, at + page, PAGE, 4);
}

static void take_file(struct fuzzer *fuzzer)
{
    static char name[] = "/tmp/0000";
    static char bytes[16384];
    word number = below(fuzzer, 10000);
    for (int i = 8; i > 4; i--, number /= 10)
        name[i] = '0' + number % 10;
    int file = CALL(open, (word)name, 0102, 0600);
    for (word left = below(fuzzer, 8); left > 0; left--)
        CALL(write, file, (word)bytes, sizeof bytes);
    if (one_in(fuzzer, 2))
        CALL(close, file);
    if (one_in(fuzzer, 16))
        CALL(unlink, (word)name);
}

/* Calls for which the kernel needs more than a page of its own. */
static void want_much(struct fuzzer *fuzzer)
{
    static char bytes[65536];
    static const word vectors[2] = {(word)bytes, 1};
    const word message[7] = {0, 0, (word)vectors, 1, (word)bytes, 20000, 0};
    int two[2] = {-1, -1};
    CALL(socketpair, 1, 2 | NONBLOCKING, 0, (word)two);
    CALL(sendmsg, two[0], (word)message, 0);
    CALL(setxattr, (word) "/tmp", (word) "user.a", (word)bytes, below(fuzzer, sizeof bytes), 0);
    CALL(poll, (word)bytes, 4000, 0);
    CALL(msgsnd, CALL(msgget, 0, 0600), (word)bytes, 8000, 04000);
    CALL(open, (word) "/proc/self/maps", 0);
    CALL(read, CALL(open, (word) "/proc/self/smaps", 0), (word)bytes, sizeof bytes);
    CALL(read, CALL(open, (word) "/proc/self/maps", 0), (word)bytes, sizeof bytes);
    CALL(getdents64, CALL(open, (word) "/tmp", 0), (word)bytes, sizeof bytes);
    CALL(kill, -1ul, 0);
}

static void take_pipe(struct fuzzer *fuzzer)
{
    static char bytes[65536];
    int two[2] = {-1, -1};
    if (one_in(fuzzer, 2))
        CALL(pipe2, (word)two, NONBLOCKING);
    else
        CALL(socketpair, 1, (1 + below(fuzzer, 2)) | NONBLOCKING, 0, (word)two);
    CALL(write, two[1], (word)bytes, below(fuzzer, sizeof bytes));
}

static void take_socket(struct fuzzer *fuzzer)
{
    static const unsigned char families[] = {1, 2, 10, 16};
    word family = families[below(fuzzer, 4)];
    int socket = CALL(socket, family, family == 16 ? 3 : 1 + below(fuzzer, 2), 0);
    CALL(listen, socket, 64);
    CALL(setsockopt, socket, 1, 7 + below(fuzzer, 2), (word) & (int){1 << 22}, 4);
}

static void take_thing(struct fuzzer *fuzzer)
{
    switch (below(fuzzer, 8)) {
    case 0:
        CALL(eventfd2, 0, 0);
        break;
    case 1:
        CALL(epoll_create1, 0);
        break;
    case 2:
        CALL(ftruncate, CALL(memfd_create, (word) "m", 0), 1 << 20);
        break;
    case 3:
        CALL(timer_create, 1, 0, (word) & (int){0});
        break;
    case 4:
        CALL(semget, 0, 1000, 0600);
        break;
    case 5:
        touch(CALL(shmat, CALL(shmget, 0, 1 << 18, 0600), 0, 0), PAGE);
        break;
    case 6:
        CALL(mkdir, (word) "/tmp/d", 0700);
        CALL(chdir, (word) "/tmp/d");
        break;
    default:
        CALL(inotify_add_watch, CALL(inotify_init1, 0), (word) "/tmp", 0xfff);
    }
}

static void take(struct fuzzer *fuzzer)
{
    switch (below(fuzzer, 9)) {
    case 8:
        want_much(fuzzer);
        break;
    case 0:
    case 1:
        take_mapping(fuzzer);
        break;
    case 2:
        take_file(fuzzer);
        break;
    case 3:
    case 4:
        take_pipe(fuzzer);
        break;
    case 5:
        take_socket(fuzzer);
        break;
    case 6:
        take_thing(fuzzer);
        break;
    default:
        if (one_in(fuzzer, 16) && CALL(fork) == 0)
            fuzzer->state += CALL(getpid);
    }
}

static void take_all(struct fuzzer *fuzzer)
{
    word most[2] = {1 << 20, 1 << 20};
    CALL(setrlimit, 7, (word)most);
    for (;;)
        take(fuzzer);
}

int exhaust(word seed, unsigned limit_ms)
{
    word until_ms = now_ms() + limit_ms, begun = 0, running = 0;
    for (; now_ms() < until_ms; rest()) {
        struct fuzzer fuzzer = {.state = seed + (begun << 20)};
        while (CALL(wait4, -1ul, 0, 1, 0) > 0)
            running -= running > 0; /* one was killed: try to have another */
        for (; running < TAKERS; running++, begun++) {
            fuzzer.state = seed + (begun << 20);
            if (CALL(fork) == 0)
                take_all(&fuzzer);
        }
    }
    CALL(kill, -1ul, 9);
    while (CALL(wait4, -1ul, 0, 0, 0) > 0)
        ;
    print("fuzz: memory, begun ");
    print_number(begun);
    print("\n");
    return 0;
}
