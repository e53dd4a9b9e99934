"""Runs the ABI programs again and again in husk, and says what was not always the same.

    python -m tests.abi.soak [ROUNDS]

Half of the rounds with a time slice of a tenth, so that the timer interrupts ten times as often; a
guest keeps one processor busy, so two rounds go side by side. The result, with its date, goes to
bench/results/soak-abi.json.
"""

from __future__ import annotations

import datetime
import difflib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from . import suite

RESULT = suite.ROOT / "bench/results/soak-abi.json"
_LINUX_RUNS = 3
_USUAL: tuple[str, ...] = ()
_OFTEN = ("slice_us=1000",)
_AT_A_TIME = 2

Round = tuple[tuple[str, ...], dict[str, suite.Outcome]]  # kernel words, and what programs said


def main(rounds: int) -> int:
    suite.build()
    names = suite.names()
    expected = {name: [suite.run_on_linux(name)] for name in names}
    failed: Counter[str] = Counter()
    for index, (words, found) in enumerate(_rounds(names, rounds)):
        wrong = [name for name in names if not _is_linux_s(name, found.get(name), expected[name])]
        failed.update(wrong)
        print(f"round {index + 1} {' '.join(words)}: {len(names) - len(wrong)} as on Linux", *wrong)
        for name in wrong:
            print(*_unlike_lines(found.get(name), expected[name][0]), sep="\n", flush=True)
    document = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M"),
        "rounds": rounds,
        "programs": len(names),
        "failed": dict(failed),
    }
    RESULT.write_text(json.dumps(document, indent=2) + "\n")
    return 1 if failed else 0


def _rounds(names: tuple[str, ...], rounds: int) -> Iterator[Round]:
    every = [(_USUAL, _OFTEN)[index % 2] for index in range(rounds)]
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        found = pool.map(lambda words: suite.run_in_husk(names, kernel_words=words), every)
        yield from zip(every, found, strict=True)


def _is_linux_s(name: str, found: suite.Outcome | None, expected: list[suite.Outcome]) -> bool:
    """Whether Linux says it too, in some run: a busy machine changes what is in time there as well.
    What it says is added to `expected`."""
    for _ in range(_LINUX_RUNS):
        if any(_agree(found, one) for one in expected):
            return True
        expected.append(suite.run_on_linux(name))
    return any(_agree(found, one) for one in expected)


def _unlike_lines(found: suite.Outcome | None, expected: suite.Outcome) -> list[str]:
    output = found.output if found is not None else "(it did not run)"
    lines = difflib.unified_diff(expected.output.splitlines(), output.splitlines(), lineterm="")
    return [f"    {line}" for line in lines]


def _agree(found: suite.Outcome | None, expected: suite.Outcome) -> bool:
    return found is not None and (found.output, found.status) == (expected.output, expected.status)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50))
