"""Fuzzes for some minutes, or one seed again.

    scripts/fuzz [--minutes 10] [--seed N] [--calls M] [--mode calls|memory] [--memory-mb MB]

With `--seed` it is that one alone, and the console is shown. Otherwise seeds are new ones, guests
have little and more memory in turn, each third boot takes all of its memory, and what came of it
goes to bench/results/fuzz-DATE.json. The exit status is 1 when the kernel failed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import campaign
from .campaign import Plan, Report

_RESULTS = campaign.table.ROOT / "bench/results"
_ROUNDS = 3  # of a boot
_LARGEST_SEED = 1 << 32
# What guests have in turn: little and more to fuzz in, and little to take.
_TURNS = (("calls", 64), ("calls", 256), ("memory", 32))


def main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    root = campaign.build()
    if options.seed is not None:
        plan = Plan((options.seed,), options.mode, options.calls, memory_mb=options.memory_mb)
        report = campaign.run(root, plan)
        print(report.console, *report.failures, sep="\n")
        return 1 if report.failures else 0
    reports = _fuzz(root, options.minutes * 60, options.calls)
    target = _RESULTS / f"fuzz-{datetime.datetime.now(datetime.UTC):%Y-%m-%d}.json"
    target.write_text(json.dumps(_document(reports), indent=2) + "\n")
    return 1 if any(report.failures for report in reports) else 0


def _fuzz(root: Path, limit_s: float, calls: int) -> list[Report]:
    reports: list[Report] = []
    end_s = time.monotonic() + limit_s
    while time.monotonic() < end_s:
        mode, memory_mb = _TURNS[len(reports) % len(_TURNS)]
        seeds = tuple(random.randrange(_LARGEST_SEED) for _ in range(_ROUNDS))
        report = campaign.run(root, Plan(seeds, mode, calls, memory_mb=memory_mb))
        print(f"{mode}, {memory_mb} MB, seeds {seeds}: {report.calls} calls", *report.failures)
        sys.stdout.flush()
        _keep(report)
        reports.append(report)
    return reports


def _keep(report: Report) -> None:
    """The console of a boot that failed, for reading."""
    if report.failures:
        target = campaign.table.ROOT / f"build/fuzz/failed-{report.plan.seeds[0]}.txt"
        target.write_text("\n".join([*report.failures, report.console]))


def _document(reports: Sequence[Report]) -> dict[str, object]:
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M"),
        "boots": len(reports),
        "seeds": [seed for report in reports for seed in report.plan.seeds],
        "calls": sum(report.calls for report in reports),
        "failures": [failure for report in reports for failure in report.failures],
        "outcomes": _sum([report.outcomes for report in reports]),
    }


def _sum(parts: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    total: dict[str, Counter[str]] = {}
    for part in parts:
        for name, counted in part.items():
            total.setdefault(name, Counter()).update(counted)
    return {name: dict(total[name].most_common()) for name in sorted(total)}


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--mode", choices=("calls", "memory"), default="calls")
    parser.add_argument("--memory-mb", type=int, default=64)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
