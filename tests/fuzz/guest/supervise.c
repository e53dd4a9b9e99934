/* Keeps workers at work, disturbs them with signals, ends those that got stuck, and says at the end
 * what came of the calls. */
#include "fuzz.h"

enum { CALLS_OF_EACH = 150, TICK_NS = 4000000, WORKER_MS = 400, READ_WRITE = 3 };

struct slot {
    long pid;
    word until_ms;
};

word now_ms(void)
{
    long at[2] = {0, 0};
    CALL(clock_gettime, 1, (word)at);
    return at[0] * 1000 + at[1] / 1000000;
}

void rest(void)
{
    long time[2] = {0, TICK_NS};
    CALL(nanosleep, (word)time, 0);
}

static void employ(struct slot *slot, int index, word seed)
{
    slot->until_ms = now_ms() + WORKER_MS;
    slot->pid = CALL(fork);
    if (slot->pid == 0)
        run_worker(seed, index, CALLS_OF_EACH);
}

static void reap(struct slot *slots)
{
    enum { WNOHANG = 1, WALL = 0x40000000 };
    for (;;) {
        long pid = CALL(wait4, -1ul, 0, WNOHANG | WALL, 0);
        if (pid <= 0)
            return;
        for (int i = 0; i < WORKERS; i++)
            if (slots[i].pid == pid)
                slots[i].pid = 0;
    }
}

static void disturb(struct fuzzer *fuzzer, const struct slot *slot)
{
    static const unsigned char signals[] = {10, 12, 14, 17, 23, 28, 34, 64, 18};
    if (slot->pid <= 0)
        return;
    int is_late = now_ms() > slot->until_ms;
    CALL(kill, slot->pid, is_late ? 9 : signals[below(fuzzer, sizeof signals)]);
}

static void say_what_came(void)
{
    for (int number = 0; number < CALL_NUMBERS; number++) {
        int is_begun = 0;
        for (int outcome = 0; outcome < OUTCOMES; outcome++) {
            if (SHARED->outcome[number][outcome] == 0)
                continue;
            print(is_begun ? " " : "call ");
            if (!is_begun) {
                print_number(number);
                print(" ");
            }
            print_number(outcome);
            print(":");
            print_number(SHARED->outcome[number][outcome]);
            is_begun = 1;
        }
        if (is_begun)
            print("\n");
    }
}

int supervise(word seed, unsigned calls, unsigned limit_ms)
{
    enum { SHARED_FIXED_ANONYMOUS = 0x31 };
    CALL(mmap, (word)SHARED, sizeof *SHARED, READ_WRITE, SHARED_FIXED_ANONYMOUS, -1ul, 0);
    struct fuzzer fuzzer = {.state = ~seed};
    handle_signals();
    struct slot slots[WORKERS] = {{0, 0}};
    word until_ms = now_ms() + limit_ms, employed = 0;
    for (; now_ms() < until_ms && SHARED->made < calls; rest()) {
        reap(slots);
        for (int i = 0; i < WORKERS; i++) {
            if (slots[i].pid <= 0)
                employ(&slots[i], i, seed + (employed++ << 20));
            else
                disturb(&fuzzer, &slots[i]);
        }
    }
    CALL(kill, -1ul, 9);
    while (CALL(wait4, -1ul, 0, 0x40000000, 0) > 0)
        ;
    print("fuzz: seed ");
    print_number(seed);
    print(" workers ");
    print_number(employed);
    print(" calls ");
    print_number(SHARED->made);
    print("\n");
    say_what_came();
    return 0;
}
