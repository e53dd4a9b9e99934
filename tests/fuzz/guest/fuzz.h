/* What the parts of the fuzzer share. */
#ifndef FUZZ_H
#define FUZZ_H

#include "system.h"

enum {
    PAGE = 4096,
    ARENA_PAGES = 64,
    HOLE = 24, /* pages of an arena that differ: one that is not there, two that cannot be written */
    READ_ONLY = 30,
    NO_ACCESS = 40,
    THREADS = 3,
    WORKERS = 3,
    FDS = 64,
    CALL_NUMBERS = 512,
    OUTCOMES = 140, /* success, every errno, and one for what is neither */
};

/* Every thread has an arena of its own: nothing another one does changes what it fills. */
#define ARENA(thread) (0x10000000ul + (word)(thread) * 0x1000000ul)

/* What an argument is: decides how a value is made. */
enum kind {
    WORD, FD, PID, SIGNAL, SIZE, FLAGS, CHOICE, POINTER, ADDRESS, ID, MODE,
};

/* What a pointer points to. */
enum structure {
    ANYTHING, PATH, TEXT, TIMES, SOCKET_ADDRESS, IO_VECTOR, MESSAGE_HEADER, POLL_FDS, EPOLL_EVENT,
    SIGNAL_SET, SIGNAL_ACTION, SIGNAL_EVENT, STRINGS, CLONE_ARGUMENTS, LENGTH_BOX, FILE_LOCK, FD_SET,
    SIGNAL_STACK, IDS,
};

struct argument {
    unsigned char kind;
    unsigned char structure;
    unsigned short first, count; /* of `constants` */
};

struct call {
    short number;
    unsigned char arguments;
    struct argument argument[6];
};

extern const struct call calls[];
extern const unsigned call_count;
extern const word constants[];

struct shared {
    unsigned outcome[CALL_NUMBERS][OUTCOMES];
    unsigned made;
    int on_work[WORKERS * THREADS]; /* the call that each thread is in */
};

/* One thread that makes calls. */
struct fuzzer {
    word state; /* of the random numbers */
    word arena;
    word cursor; /* next free byte in the arena's good part */
    int index;
    const int *fds; /* of the process */
};

word next(struct fuzzer *);
word below(struct fuzzer *, word limit);
int one_in(struct fuzzer *, unsigned odds);

word make_argument(struct fuzzer *, const struct argument *);
word make_pointer(struct fuzzer *, int structure);
word any_word(struct fuzzer *);
word any_size(struct fuzzer *);
word any_fd(struct fuzzer *);
word any_pid(struct fuzzer *);
word good_room(struct fuzzer *, word size_bytes);
void fill(struct fuzzer *, int structure, word at);
void mend(struct fuzzer *, long number, word *argument);
word write_path(struct fuzzer *, word at);

void open_resources(int fds[FDS]);
void map_arena(word arena);
void run_worker(word seed, int index, unsigned calls);
int supervise(word seed, unsigned calls, unsigned limit_ms);
int exhaust(word seed, unsigned limit_ms);
int sweep(void);
void restore(void);
void on_signal(int);
void handle_signals(void);

/* Where all processes count: at no number that is likely as an argument. */
#define SHARED ((struct shared *)0x234567000000ul)

word now_ms(void);
void rest(void);

#endif
