"""Boots guests that fuzz the kernel, and judges how they ended.

A boot runs a few rounds, each a program with a seed of its own, with a sweep before and after: what
a sweep leaves in use must not grow from round to round. A kernel that dies says so in an event, one
that hangs does not end in time. Programs may end as they like.
"""

from __future__ import annotations

import errno
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dock2uk.guest import TIMED_OUT, GuestResult, boot, link_directory
from dock2uk.link import Program

from . import table

_GUEST = Path(__file__).resolve().parent / "guest"
_BUILD = table.ROOT / "build/fuzz"
_FLAGS = (
    *("-O1", "-g0", "-Wall", "-Wextra", "-Werror", "-Wno-sign-compare", "-static", "-no-pie"),
    *(
        "-ffreestanding",
        "-nostdlib",
        "-fno-builtin",
        "-fno-stack-protector",
        "-fcf-protection=none",
    ),
)
# For the boot, and beside each round's own limit: its end waits for every worker, and is printed.
_SLACK_S = 20
# The heap and the tables of the files that are kept grow to what they needed once, and stay.
_FRAME_SLACK = 64
_LAST_SLOT = 139  # of OUTCOMES in fuzz.h: no errno
_CALL_LINE = re.compile(r"^call (\d+) (.+)$", re.MULTILINE)
_SUM_LINE = re.compile(r"^fuzz: seed (\d+) workers (\d+) calls (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Plan:
    """Rounds of one boot: `mode` is `calls` or `memory`."""

    seeds: Sequence[int]
    mode: str = "calls"
    calls: int = 200_000
    limit_ms: int = 10_000
    memory_mb: int = 64


@dataclass(frozen=True)
class Report:
    """What one boot came to; a failure is told in words."""

    plan: Plan
    failures: Sequence[str]
    calls: int = 0
    outcomes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    console: str = ""


def build() -> Path:
    """Compile the guest's program; a root directory that holds it."""
    _BUILD.mkdir(parents=True, exist_ok=True)
    root = _BUILD / "root"
    for directory in ("work", "tmp"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    calls = _BUILD / "calls.c"
    table.write(calls)
    sources = (*sorted(_GUEST.glob("*.c")), calls)
    command = ["gcc", *_FLAGS, f"-I{_GUEST}", "-o", root / "fuzz", *sources]
    subprocess.run(command, check=True)
    return root


def run(root: Path, plan: Plan) -> Report:
    with tempfile.TemporaryDirectory() as directory:
        image = Path(directory) / "fuzz.elf"
        link_directory(root, _programs(plan), image)
        timeout_s = _SLACK_S + len(plan.seeds) * (plan.limit_ms / 1000 + _SLACK_S)
        result = boot(image, memory_mb=plan.memory_mb, timeout_s=timeout_s)
    console = result.console.replace("\r\n", "\n")
    return Report(
        plan,
        tuple(_failures(plan, result)),
        sum(int(found[2]) for found in _SUM_LINE.findall(console)),
        _outcomes(console),
        console,
    )


def _programs(plan: Plan) -> list[Program]:
    sweep = Program(exe="/fuzz", argv=("fuzz", "sweep"), cwd="/work")
    programs = [sweep]
    for seed in plan.seeds:
        words = ["fuzz", plan.mode, str(seed)]
        words += [str(plan.calls)] if plan.mode == "calls" else []
        words += [str(plan.limit_ms)]
        programs += [Program(exe="/fuzz", argv=tuple(words), cwd="/work"), sweep]
    return programs


def _failures(plan: Plan, result: GuestResult) -> list[str]:
    ended = [event for event in result.events if event.name == "program"]
    running = plan.seeds[min(max(len(ended) - 1, 0) // 2, len(plan.seeds) - 1)]
    panics = [event.value for event in result.events if event.name == "panic"]
    if panics or "husk: kernel:" in result.console:
        return [f"seed {running}: the kernel died: {' '.join(panics)}"]
    if result.exit_status == TIMED_OUT:
        return [f"seed {running}: the guest hung"]
    if len(ended) < 1 + 2 * len(plan.seeds):
        return [f"seed {running}: the guest ended early"]
    return _leaks(plan, result)


def _leaks(plan: Plan, result: GuestResult) -> list[str]:
    """The counts after each sweep; the first one's, before anything was fuzzed, is the measure."""
    counts = [event.value for event in result.events if event.name == "counts"][::2]
    parsed = [
        {key: int(value) for key, _, value in (word.partition("=") for word in line.split())}
        for line in counts
    ]
    found = []
    for seed, after in zip(plan.seeds, parsed[1:], strict=False):
        allowed = {key: parsed[0][key] for key in after}
        allowed["frames"] += _FRAME_SLACK
        left = {key: value for key, value in after.items() if value > allowed[key]}
        found += [f"seed {seed}: left {left}"] if left else []
    return found


def _outcomes(console: str) -> dict[str, dict[str, int]]:
    """How often each call gave what: by its name, then by `ok` or the name of the errno."""
    names = table.names()
    outcomes: dict[str, Counter[str]] = {}
    for number, rest in _CALL_LINE.findall(console):
        counted = outcomes.setdefault(names.get(int(number), number), Counter())
        for word in rest.split():
            outcome, _, count = word.partition(":")
            counted[_outcome_name(int(outcome))] += int(count)
    return {name: dict(counted) for name, counted in outcomes.items()}


def _outcome_name(outcome: int) -> str:
    if outcome == 0:
        return "ok"
    return "other" if outcome == _LAST_SLOT else errno.errorcode.get(outcome, str(outcome))
