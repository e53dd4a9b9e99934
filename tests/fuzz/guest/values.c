/* Values of arguments: mostly such that a call gets past its first checks, some hostile. */
#include "fuzz.h"

static word pick(struct fuzzer *fuzzer, const word *values, word count)
{
    return values[below(fuzzer, count)];
}
#define PICK(fuzzer, values) pick(fuzzer, values, sizeof values / sizeof *values)

word any_word(struct fuzzer *fuzzer)
{
    static const word odd[] = {
        0, 1, 2, 3, 4, 7, 8, 16, 100, 1000, 4095, 4096, 65535, 65536, 0x7fffffff, 0x80000000,
        0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, -1ul, -2ul, -4096ul,
        999999999, 1000000000,
    };
    switch (below(fuzzer, 8)) {
    case 0:
        return next(fuzzer);
    case 1:
        return below(fuzzer, 64);
    case 2:
        return 1ul << below(fuzzer, 64);
    default:
        return PICK(fuzzer, odd);
    }
}

word any_size(struct fuzzer *fuzzer)
{
    static const word usual[] = {
        0, 1, 2, 4, 8, 12, 16, 24, 28, 36, 48, 56, 64, 88, 110, 128, 144, 256, 1024, 4096, 8192,
        65536,
    };
    static const word hostile[] = {
        -1ul, 1ul << 31, (1ul << 31) - 1, 1ul << 32, 1ul << 63, (1ul << 63) - 1, 1ul << 47,
        4095, 4097, 1ul << 20, -4096ul, 1ul << 30, 16777216,
    };
    return one_in(fuzzer, 5) ? PICK(fuzzer, hostile) : PICK(fuzzer, usual);
}

word any_fd(struct fuzzer *fuzzer)
{
    static const word odd[] = {-1ul, -100ul, 1 << 30, 0x7fffffff, 0x80000000, 1023, 1024, 1ul << 32};
    if (one_in(fuzzer, 12))
        return PICK(fuzzer, odd);
    if (one_in(fuzzer, 8))
        return below(fuzzer, 96);
    return fuzzer->fds[below(fuzzer, FDS)];
}

/* Not the supervisor's: it would be stopped. */
word any_pid(struct fuzzer *fuzzer)
{
    switch (below(fuzzer, 200)) {
    case 1:
        return -1ul;
    case 2:
        return 0x7fffffff;
    case 3:
        return 1ul << 31;
    default:
        break;
    }
    if (one_in(fuzzer, 3))
        return 0;
    return one_in(fuzzer, 2) ? (word)CALL(getpid) : CALL(gettid) + below(fuzzer, 4);
}

/* Never one whose default ends the worker, or seldom: it shall come far. */
static word any_signal(struct fuzzer *fuzzer)
{
    static const word usual[] = {10, 12, 14, 17, 18, 23, 28, 34, 40, 64, 0, 13, 1};
    return one_in(fuzzer, 40) ? below(fuzzer, 70) - 2 : PICK(fuzzer, usual);
}

static word any_flags(struct fuzzer *fuzzer, const struct argument *argument)
{
    word flags = 0;
    for (word left = below(fuzzer, 4); left > 0; left--)
        flags |= pick(fuzzer, constants + argument->first, argument->count);
    return one_in(fuzzer, 20) ? any_word(fuzzer) : flags;
}

/* An address for a mapping: of the fuzzer's own arena, or where nothing can be. A mapping of a
 * file's bytes over the fuzzer's code would have it run them. */
static word any_address(struct fuzzer *fuzzer)
{
    static const word odd[] = {
        0, 1, 4096, -1ul, -4096ul, 0x7ffffffff000, 0x7fffffffe000, 0x800000000000,
        0xffff800000000000, 0xffffffff80000000, 1ul << 63, 0x30000000, 0x40000000,
    };
    if (one_in(fuzzer, 4))
        return PICK(fuzzer, odd);
    word address = fuzzer->arena + below(fuzzer, ARENA_PAGES + 2) * PAGE;
    return one_in(fuzzer, 10) ? address + below(fuzzer, 16) : address;
}

word good_room(struct fuzzer *fuzzer, word size_bytes)
{
    enum { END = HOLE * PAGE };
    if (fuzzer->cursor + size_bytes + 64 > END)
        fuzzer->cursor = 0;
    word room = fuzzer->arena + fuzzer->cursor;
    fuzzer->cursor += (size_bytes + 63) & -16ul;
    return room;
}

static word hostile_pointer(struct fuzzer *fuzzer)
{
    static const word odd[] = {
        0, 1, 8, 4095, -1ul, -8ul, -4096ul, 0x7ffffffff000, 0x7fffffffeff8, 0x7fffffffffff,
        0x800000000000, 0xffff800000000000, 0xffff800000100000, 0xffffc00000000000,
        0xffffffff80000000, 0xffffffff80200000, 0x5555555555555555,
    };
    switch (below(fuzzer, 5)) {
    case 0:
        return fuzzer->arena + HOLE * PAGE + below(fuzzer, PAGE);
    case 1:
        return fuzzer->arena + READ_ONLY * PAGE + below(fuzzer, PAGE);
    case 2:
        return fuzzer->arena + NO_ACCESS * PAGE + below(fuzzer, PAGE);
    default:
        return PICK(fuzzer, odd);
    }
}

/* The last bytes before a page that is not there. */
static word before_the_hole(struct fuzzer *fuzzer)
{
    return fuzzer->arena + HOLE * PAGE - 1 - below(fuzzer, 64);
}

word make_pointer(struct fuzzer *fuzzer, int structure)
{
    if (one_in(fuzzer, 12))
        return 0;
    if (one_in(fuzzer, 16) && structure == SIGNAL_ACTION)
        return 0xffffffff80000000;
    if (one_in(fuzzer, 12) && structure != SIGNAL_ACTION)
        return hostile_pointer(fuzzer);
    if (one_in(fuzzer, 30) && structure != SIGNAL_ACTION)
        return before_the_hole(fuzzer);
    word at = good_room(fuzzer, 512) + (one_in(fuzzer, 20) ? below(fuzzer, 8) : 0);
    fill(fuzzer, structure, at);
    return at;
}

word make_argument(struct fuzzer *fuzzer, const struct argument *argument)
{
    static const word ids[] = {0, 1, 1000, 65534, -1ul, 0x80000000};
    switch (argument->kind) {
    case FD:
        return any_fd(fuzzer);
    case PID:
        return any_pid(fuzzer);
    case SIGNAL:
        return any_signal(fuzzer);
    case SIZE:
        return any_size(fuzzer);
    case FLAGS:
        return any_flags(fuzzer, argument);
    case CHOICE:
        return one_in(fuzzer, 16) ? any_word(fuzzer)
                                  : pick(fuzzer, constants + argument->first, argument->count);
    case POINTER:
        return make_pointer(fuzzer, argument->structure);
    case ADDRESS:
        return any_address(fuzzer);
    case ID:
        return PICK(fuzzer, ids);
    case MODE:
        return one_in(fuzzer, 4) ? next(fuzzer) & 0177777 : 0700;
    default:
        return any_word(fuzzer);
    }
}
