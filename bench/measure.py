"""How each figure is measured. A figure is a list of runs; the report takes their median.

Guests that are compared take turns, run by run, so that a slow minute of the machine meets all.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from . import guest
from .guest import Guest, NoAnswerError

MEMORY_MB = 256
_BOOT_TIMEOUT_S = 30.0
_PEAK = "print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
_WRK = ("wrk", "-t1", "-c16", "-d10s")


def interleaved(
    guests: Sequence[Guest], runs: int, measure: Callable[[Guest], float]
) -> Mapping[str, list[float]]:
    """`runs` values for each guest, by its name, measured in turns."""
    values: dict[str, list[float]] = {one.name: [] for one in guests}
    for _ in range(runs):
        for one in guests:
            values[one.name].append(measure(one))
    for name, measured in values.items():
        say(f"  {name}: {' '.join(f'{value:.0f}' for value in measured)}")
    return values


def say(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)


def boot_ms(one: Guest, console: Path) -> float:
    """Start of QEMU to the end of the first HTTP 200."""
    with guest.boot(one, MEMORY_MB, console) as running:
        return guest.first_answer_s(running, _BOOT_TIMEOUT_S) * 1000


def requests_per_s(one: Guest, console: Path) -> float:
    """wrk against a guest that has already answered once; errors are said, and cost requests."""
    with guest.boot(one, MEMORY_MB, console) as running:
        guest.first_answer_s(running, _BOOT_TIMEOUT_S)
        url = f"http://127.0.0.1:{running.port}/"
        shown = subprocess.run([*_WRK, url], capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", shown)
    if rate is None or "Non-2xx" in shown:
        raise NoAnswerError(f"{one.name}: wrk was not served:\n{shown}")
    for line in re.findall(r"Socket errors.*", shown):
        say(f"  {one.name}: {line}")
    return float(rate[1])


def minimum_memory_mb(one: Guest, console: Path, lowest_mb: int, highest_mb: int) -> int:
    """The smallest -m that still serves, by halving; a size that fails is tried twice."""
    if not _serves(one, highest_mb, console):
        raise NoAnswerError(f"{one.name} does not serve with {highest_mb} MB")
    while lowest_mb < highest_mb:
        middle_mb = (lowest_mb + highest_mb) // 2
        if _serves(one, middle_mb, console) or _serves(one, middle_mb, console):
            highest_mb = middle_mb
        else:
            lowest_mb = middle_mb + 1
    return highest_mb


def convert_s(command: Sequence[str | Path]) -> float:
    began_s = time.monotonic()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return time.monotonic() - began_s


def read_s(cache: Path, script: str, argument: str) -> tuple[float, float]:
    """Seconds of Python's `script` from an empty cache, and its largest resident set in MB.

    Not ru_maxrss of getrusage(2): what the parent had when it forked counts there.
    """
    shutil.rmtree(cache, ignore_errors=True)
    began_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\n{_PEAK}", argument],
        env={"XDG_CACHE_HOME": str(cache), "HOME": str(cache)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return time.monotonic() - began_s, int(done.stdout.split()[1]) / 1024


def _serves(one: Guest, memory_mb: int, console: Path) -> bool:
    try:
        with guest.boot(one, memory_mb, console) as running:
            guest.first_answer_s(running, _BOOT_TIMEOUT_S)
    except NoAnswerError:
        return False
    return True
