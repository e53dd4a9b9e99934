"""Other people's test suites in guests: which images they are, what is kept of them, and what their
runners say.

A runner (fixtures/cpython-tests, fixtures/stress-ng) takes what to run from its environment and
writes one JSON line a result, after an `@`, among whatever else comes to the console.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dock2uk.verify import qemu, session
from tests.boot.served import DOCK2UK, REPOSITORY

FIXTURES = REPOSITORY / "build" / "fixtures"
MEMORY_MB = 1024
_LIBRARIES = "/usr/lib/x86_64-linux-gnu"
# What the suites look at or start themselves, which no file of theirs shows.
KEPT: Mapping[str, tuple[str, ...]] = {
    "cpython-tests": (
        *("/bin", "/etc", "/home", "/srv", "/tmp", "/usr/bin", "/usr/sbin", "/var/tmp"),
        *("/usr/lib/python3.11", "/usr/share/zoneinfo", _LIBRARIES),
    ),
    "stress-ng": (
        *("/etc", "/srv", "/tmp", "/usr/bin/stress-ng", "/var/tmp"),
        *("/usr/lib/python3.11", _LIBRARIES),
    ),
}


@dataclass(frozen=True, slots=True)
class Run:
    """What a runner said, and how its guest ended: None when it was stopped."""

    results: tuple[dict[str, Any], ...]
    exit_status: int | None
    console: str


def convert(name: str, output: Path) -> Path:
    """The bundle of a suite's image."""
    command = [*DOCK2UK, "convert", f"oci:{FIXTURES / name}", "-o", output, "--no-verify"]
    command += [word for path in KEPT[name] for word in ("--keep", path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output


def run_in_husk(bundle: Path, *, timeout_s: float, **environment: str) -> Run:
    """Boot the bundle with more variables in its environment, to its end."""
    words = tuple(f"{name}={value}" for name, value in environment.items())
    image = bundle / "unikernel.elf"
    guest = qemu.Guest(image, "microvm", "tcg", MEMORY_MB, environment=words)
    with tempfile.NamedTemporaryFile() as console:
        serial = ("-serial", f"file:{console.name}")
        with session.start(guest, serial, errors=None) as running:
            events = tuple(running.events.until(time.monotonic() + timeout_s))
        text = Path(console.name).read_text(errors="replace")
    statuses = [event.exit_status for event in events if event.exit_status is not None]
    return Run(tuple(_results(text)), statuses[-1] if statuses else None, text)


def run_on_linux(name: str, *, timeout_s: float, **environment: str) -> Run:
    """The same image as a container on this machine's Linux, with loopback as its only network."""
    words = [word for key, value in environment.items() for word in ("-e", f"{key}={value}")]
    network = ("--network", "none", "--sysctl", "net.ipv6.conf.all.disable_ipv6=0")
    command = ["docker", "run", "--rm", *network, *words, f"{name}:latest"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout_s, check=False, errors="replace"
    )
    return Run(tuple(_results(done.stdout)), done.returncode, done.stdout + done.stderr)


def _results(console: str) -> Iterator[dict[str, Any]]:
    for line in console.splitlines():
        if line.startswith('@{"'):
            yield json.loads(line[1:])


def passed(run: Run) -> set[str]:
    """The tests of CPython that passed."""
    return {found["test"] for found in run.results if found["outcome"] == "passed"}


def module_names(expected: Mapping[str, Mapping[str, str]], module: str) -> set[str]:
    """Names of tests as tests/outside/cpython.json has them: methods by class, doctests by none."""
    return {
        f"{class_name}.{method}".lstrip(".")
        for class_name, methods in expected[module].items()
        for method in methods.split()
    }


def main(modules: list[str]) -> None:
    """Record what passes in husk now: python -m tests.outside.suites MODULE..."""
    path = Path(__file__).with_name("cpython.json")
    expected = json.loads(path.read_text()) if path.exists() else {}
    with tempfile.TemporaryDirectory() as directory:
        bundle = convert("cpython-tests", Path(directory) / "bundle")
        for module in modules:
            run = run_in_husk(bundle, timeout_s=3600, MODULES=module)
            expected[module] = by_class(passed(run))
            path.write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
            linux = run_on_linux("cpython-tests", timeout_s=3600, MODULES=module)
            print(module, "not as on Linux:", *sorted(passed(linux) ^ passed(run)), flush=True)


def by_class(names: set[str]) -> dict[str, str]:
    classes: dict[str, list[str]] = {}
    for name in sorted(names):
        class_name, _, method = name.rpartition(".")
        classes.setdefault(class_name, []).append(method)
    return {class_name: " ".join(methods) for class_name, methods in classes.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
