"""How long an audit takes an image, and its memory: fifty images, with everything that a first
audit leaves in the cache. They are the sample images, and as many of them once more by another name
as that takes: an audit looks at each name anew.

Memory is the proportional set size (proc_pid_smaps_rollup(5)) of all of its processes together,
looked at ten times a second: the largest sum.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

_POLL_S = 0.1
_KIB_PER_MB = 1024
_IMAGES = 50


def per_image(dock2uk: Path, layouts: Sequence[Path], runs: int) -> tuple[list[float], list[float]]:
    """Seconds an image and the peak in MB, run by run."""
    with tempfile.TemporaryDirectory() as directory:
        environment = os.environ | {"XDG_CACHE_HOME": f"{directory}/cache"}
        report = Path(directory) / "audit.json"
        images = [f"oci:{one}" for one in _fifty(layouts, Path(directory))]
        command: list[str | Path] = [dock2uk, "audit", "--fresh", *images]
        command += ["--report", f"json={report}"]
        _measured(command, environment)  # fills the cache
        measured = [_measured(command, environment) for _ in range(runs)]
        _require_all_read(report)
    return [seconds / len(images) for seconds, _ in measured], [peak for _, peak in measured]


def _fifty(layouts: Sequence[Path], directory: Path) -> list[Path]:
    links = [directory / f"again-{one.name}" for one in layouts[: max(0, _IMAGES - len(layouts))]]
    for link, layout in zip(links, layouts, strict=False):
        link.symlink_to(layout)
    return [*layouts, *links][:_IMAGES]


def _measured(command: Sequence[str | Path], environment: dict[str, str]) -> tuple[float, float]:
    began_s, peak_mb, quiet = time.monotonic(), 0.0, subprocess.DEVNULL
    with subprocess.Popen(
        command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet
    ) as running:
        while running.poll() is None:
            peak_mb = max(peak_mb, sum(map(_proportional_mb, _tree(running.pid))))
            time.sleep(_POLL_S)
    if running.returncode != 0:
        raise subprocess.CalledProcessError(running.returncode, command)
    return time.monotonic() - began_s, peak_mb


def _tree(pid: int) -> Iterator[int]:
    """A process and those that it and they have made."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(entry.parent.name))
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += children.get(one, [])


def _proportional_mb(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / _KIB_PER_MB
    return 0.0


def _require_all_read(report: Path) -> None:
    unread = [
        row["source"]
        for row in json.loads(report.read_text())["images"]
        if row["verdict"] == "not read"
    ]
    if unread:
        raise ValueError(f"not read: {', '.join(unread)}")
