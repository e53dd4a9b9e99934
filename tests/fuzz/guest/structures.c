/* Contents of what pointers point to: half plausible. */
#include "fuzz.h"

static void put(word at, word offset, word value, word size_bytes)
{
    for (word i = 0; i < size_bytes; i++)
        ((volatile unsigned char *)at)[offset + i] = value >> 8 * i;
}

static void fill_words(struct fuzzer *fuzzer, word at)
{
    for (word i = 0; i < 16; i++)
        put(at, 8 * i, any_word(fuzzer), 8);
}

/* Seconds and a fraction, twice: a little, nothing, or anything. */
static void fill_times(struct fuzzer *fuzzer, word at)
{
    for (word i = 0; i < 4; i++) {
        word usual = i % 2 ? below(fuzzer, 5000000) : 0;
        put(at, 8 * i, one_in(fuzzer, 10) ? any_word(fuzzer) : usual, 8);
    }
}

static void fill_socket_address(struct fuzzer *fuzzer, word at)
{
    static const unsigned char families[] = {1, 1, 2, 2, 2, 10, 10, 16, 0, 17};
    put(at, 0, families[below(fuzzer, sizeof families)], 2);
    word family = *(unsigned short *)at;
    if (family == 1) {
        write_path(fuzzer, at + 2);
        if (one_in(fuzzer, 3))
            put(at, 2, below(fuzzer, 8) << 8, 4); /* abstract */
        return;
    }
    static const word ports[] = {0, 0x901f, 0x5000, 0xffff, 0x3500};
    put(at, 2, ports[below(fuzzer, 5)], 2);
    static const word addresses[] = {0, 0x0100007f, 0xffffffff, 0x010000e0, 0x0f02000a, 0x0202000a};
    put(at, 4, addresses[below(fuzzer, 6)], 4);
    for (word i = 8; family == 10 && i < 28; i++)
        put(at, i, one_in(fuzzer, 8) ? next(fuzzer) : i == 23, 1);
}

static void fill_vectors(struct fuzzer *fuzzer, word at, word count)
{
    for (word i = 0; i < count; i++) {
        put(at, 16 * i, make_pointer(fuzzer, TEXT), 8);
        put(at, 16 * i + 8, one_in(fuzzer, 6) ? any_size(fuzzer) : below(fuzzer, 400), 8);
    }
}

/* struct cmsghdr: descriptors, credentials, or anything. */
static word make_control(struct fuzzer *fuzzer)
{
    word at = good_room(fuzzer, 256);
    put(at, 0, one_in(fuzzer, 4) ? any_size(fuzzer) : 16 + 4 * below(fuzzer, 4), 8);
    put(at, 8, one_in(fuzzer, 4) ? below(fuzzer, 64) : 1, 4);
    put(at, 12, 1 + below(fuzzer, 3), 4);
    for (word i = 0; i < 8; i++)
        put(at, 16 + 4 * i, any_fd(fuzzer), 4);
    return at;
}

static void fill_message(struct fuzzer *fuzzer, word at)
{
    word vectors = good_room(fuzzer, 64);
    fill_vectors(fuzzer, vectors, 3);
    put(at, 0, one_in(fuzzer, 2) ? 0 : make_pointer(fuzzer, SOCKET_ADDRESS), 8);
    put(at, 8, one_in(fuzzer, 4) ? any_size(fuzzer) : 16, 4);
    put(at, 16, one_in(fuzzer, 16) ? make_pointer(fuzzer, TEXT) : vectors, 8);
    put(at, 24, one_in(fuzzer, 16) ? any_size(fuzzer) : below(fuzzer, 4), 8);
    put(at, 32, one_in(fuzzer, 2) ? 0 : make_control(fuzzer), 8);
    put(at, 40, one_in(fuzzer, 4) ? any_size(fuzzer) : 32, 8);
    put(at, 48, 0, 8);
}

static void fill_polled(struct fuzzer *fuzzer, word at)
{
    for (word i = 0; i < 16; i++) {
        put(at, 8 * i, any_fd(fuzzer), 4);
        put(at, 8 * i + 4, next(fuzzer), 2);
    }
}

/* Only functions of the fuzzer: it would jump anywhere else with the kernel's rights. */
static void fill_action(struct fuzzer *fuzzer, word at)
{
    enum { SA_RESTORER = 0x04000000 };
    word handlers[] = {(word)on_signal, (word)on_signal, 0, 1};
    put(at, 0, handlers[below(fuzzer, 4)], 8);
    put(at, 8, SA_RESTORER | (one_in(fuzzer, 2) ? 0 : next(fuzzer) & 0xd8000007), 8);
    put(at, 16, (word)restore, 8);
    put(at, 24, one_in(fuzzer, 4) ? next(fuzzer) : 0, 8);
}

static void fill_strings(struct fuzzer *fuzzer, word at)
{
    word count = below(fuzzer, 12);
    for (word i = 0; i < count; i++)
        put(at, 8 * i, make_pointer(fuzzer, PATH), 8);
    put(at, 8 * count, 0, 8);
}

static void fill_clone(struct fuzzer *fuzzer, word at)
{
    fill_words(fuzzer, at);
    put(at, 0, one_in(fuzzer, 2) ? 0 : 1ul << below(fuzzer, 36), 8);
    put(at, 32, one_in(fuzzer, 8) ? any_word(fuzzer) : 17, 8);
    for (word i = 5; i < 11; i++)
        put(at, 8 * i, one_in(fuzzer, 8) ? any_word(fuzzer) : 0, 8);
}

static void fill_lock(struct fuzzer *fuzzer, word at)
{
    put(at, 0, below(fuzzer, 4), 2);
    put(at, 2, below(fuzzer, 4), 2);
    put(at, 8, one_in(fuzzer, 3) ? any_word(fuzzer) : below(fuzzer, 100), 8);
    put(at, 16, one_in(fuzzer, 3) ? any_word(fuzzer) : below(fuzzer, 100), 8);
    put(at, 24, 0, 8);
}

static void fill_stack(struct fuzzer *fuzzer, word at)
{
    put(at, 0, fuzzer->arena + 48 * PAGE, 8);
    put(at, 8, one_in(fuzzer, 8) ? any_word(fuzzer) : 0, 8);
    put(at, 16, one_in(fuzzer, 4) ? any_size(fuzzer) : 8 * PAGE, 8);
}

void fill(struct fuzzer *fuzzer, int structure, word at)
{
    switch (structure) {
    case PATH:
        write_path(fuzzer, at);
        break;
    case TIMES:
        fill_times(fuzzer, at);
        break;
    case SOCKET_ADDRESS:
        fill_socket_address(fuzzer, at);
        break;
    case IO_VECTOR:
        fill_vectors(fuzzer, at, 8);
        break;
    case MESSAGE_HEADER:
        fill_message(fuzzer, at);
        fill_message(fuzzer, at + 64);
        break;
    case POLL_FDS:
        fill_polled(fuzzer, at);
        break;
    case EPOLL_EVENT:
        put(at, 0, next(fuzzer), 4);
        break;
    case SIGNAL_SET:
        put(at, 0, one_in(fuzzer, 3) ? next(fuzzer) : 1ul << below(fuzzer, 64), 8);
        break;
    case SIGNAL_ACTION:
        fill_action(fuzzer, at);
        break;
    case SIGNAL_EVENT:
        fill_words(fuzzer, at);
        put(at, 8, below(fuzzer, 66), 4);
        put(at, 12, below(fuzzer, 5), 4);
        break;
    case STRINGS:
        fill_strings(fuzzer, at);
        break;
    case CLONE_ARGUMENTS:
        fill_clone(fuzzer, at);
        break;
    case LENGTH_BOX:
        put(at, 0, any_size(fuzzer), 8);
        break;
    case FILE_LOCK:
        fill_lock(fuzzer, at);
        break;
    case FD_SET:
        put(at, 0, next(fuzzer), 8);
        break;
    case SIGNAL_STACK:
        fill_stack(fuzzer, at);
        break;
    default:
        fill_words(fuzzer, at);
    }
}
