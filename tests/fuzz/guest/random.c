/* SplitMix64: the same numbers for the same seed, so that a failure can be had again. */
#include "fuzz.h"

word next(struct fuzzer *fuzzer)
{
    word mixed = fuzzer->state += 0x9e3779b97f4a7c15ul;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ul;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebul;
    return mixed ^ (mixed >> 31);
}

word below(struct fuzzer *fuzzer, word limit)
{
    return limit ? next(fuzzer) % limit : 0;
}

int one_in(struct fuzzer *fuzzer, unsigned odds)
{
    return below(fuzzer, odds) == 0;
}
