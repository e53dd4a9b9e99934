"""redis's own test suite, in Tcl on this machine, against a redis-server in a guest or a container.

The suite is that of redis's sources (`debian_source`), unmodified, told that its server is an
external one. The server has the options that redis's own tests of an external server give it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.boot.served import DOCK2UK, PATIENCE_S, REPOSITORY
from tests.guests import free_port
from tests.outside import debian_source, tap

RECORD = Path(__file__).with_name("redis.json")
_CHOICE = tomllib.loads(Path(__file__).with_name("redis.toml").read_text())
LEFT_OUT = [name for names in _CHOICE["left_out"].values() for name in names]
VERSION = "7.0.15"  # of the image and of the suite
PORT = 6379
MEMORY_MB = 1024
UNIT_LIMIT_S = 1200
# .github/workflows/external.yml of redis's sources.
_OPTIONS = (
    *("--protected-mode", "no", "--save", "", "--enable-protected-configs", "yes"),
    *("--enable-debug-command", "yes", "--enable-module-command", "yes"),
)
_TAGS = "-slow"
_STALLED_S = 300  # without a test that ends
_PASSED = re.compile(r"\[ok\]: (.*) \(\d+ ms\)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one unit of the suite."""

    passed: frozenset[str]
    said: str  # by the suite
    console: str
    is_alive: bool  # the server, when the suite had ended

    @property
    def is_complete(self) -> bool:
        """Tests that fail are said one by one; one that throws an exception ends the unit."""
        return self.is_alive and "The End" in self.said and "[exception]" not in self.said

    def error_of(self, name: str) -> str:
        """What the suite says of a test that fails; nothing of one that did not run."""
        found = re.search(rf"\[err\]: {re.escape(name)} in .*\n(.*)", self.said)
        return found[1] if found else ""


def convert(output: Path) -> Path:
    """The bundle of the image, with the options of a server that is to be tested."""
    command = [*DOCK2UK, "convert", f"oci:{REPOSITORY / 'build' / 'fixtures' / 'redis'}"]
    command += ["-o", str(output), "--no-verify", "--cmd", json.dumps(_OPTIONS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output


def run_in_husk(bundle: Path, unit: str) -> Run:
    """The unit against a guest that is booted for it."""
    with tempfile.TemporaryDirectory() as directory:
        console = Path(directory) / "console"
        with tap.booted(bundle / "unikernel.elf", MEMORY_MB, console) as beside:
            said = _drive(beside.prefix, tap.GUEST, PORT, unit)
            is_alive = beside.guest.poll() is None
        return _read(said, console.read_text(errors="replace"), is_alive=is_alive)


def run_on_linux(unit: str) -> Run:
    """The unit against a container of the image on this machine's Linux."""
    with _container() as (port, name):
        said = _drive((), "127.0.0.1", port, unit)
        logs = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=False)
        return _read(said, logs.stdout, is_alive=logs.returncode == 0)


def _drive(prefix: Sequence[str], host: str, port: int, unit: str) -> str:
    """What the suite says of a unit; timeout(1) ends all its processes, --durable has it go on
    after an exception."""
    _wait_for(prefix, host, port)
    words = ["timeout", str(UNIT_LIMIT_S), "./runtest", "--host", host, "--port", str(port)]
    words += ["--clients", "1", "--durable", "--tags", _TAGS, "--timeout", str(_STALLED_S)]
    # The suite listens 32 below, and wants the port 10,000 above that to be one too.
    words += ["--baseport", str(20_032 + free_port() % 10_000), "--single", unit]
    words += [word for name in LEFT_OUT for word in ("--skiptest", name)]
    return _said([*prefix, *words], cwd=_suite())


def _wait_for(prefix: Sequence[str], host: str, port: int) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    ask = [*prefix, "timeout", "10", "redis-cli", "-h", host, "-p", str(port), "INFO", "server"]
    while f"redis_version:{VERSION}" not in _said(ask):
        assert time.monotonic() < deadline_s, f"no redis {VERSION} answers"
        time.sleep(0.1)


def _said(command: Sequence[str], cwd: Path | None = None) -> str:
    # Without a terminal's name the suite writes no colours.
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, check=False, errors="replace"
    )
    return done.stdout


def _suite() -> Path:
    """The sources, with the client where a build of them would have it."""
    directory = debian_source.unpacked("redis", VERSION)
    client = directory / "src" / "redis-cli"
    if not client.is_symlink():
        client.symlink_to("/usr/bin/redis-cli")
    return directory


def _read(said: str, console: str, *, is_alive: bool) -> Run:
    return Run(frozenset(_PASSED.findall(said)), said, console, is_alive)


@contextmanager
def _container() -> Iterator[tuple[int, str]]:
    """The port of this machine and the name of a container that is gone with the block."""
    port = free_port()
    name = f"dock2uk-redis-{port}"
    # On the machine's network: Docker may have no other to give.
    command = ["docker", "run", "--detach", "--rm", "--network", "host", "--name", name]
    command += ["redis:latest", *_OPTIONS, "--bind", "127.0.0.1", "--port", str(port)]
    subprocess.run(command, capture_output=True, text=True, check=True)
    try:
        yield port, name
    finally:
        subprocess.run(["docker", "kill", name], capture_output=True, check=False)


def all_units() -> list[str]:
    return _said(["./runtest", "--list-tests"], cwd=_suite()).split()


def main(units: Sequence[str]) -> None:
    """Record what passes in husk now: python -m tests.outside.redis_suite [UNIT...]"""
    expected: dict[str, list[str]] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    with tempfile.TemporaryDirectory() as directory:
        bundle = convert(Path(directory) / "bundle")
        for unit in units or all_units():
            husk, linux = run_in_husk(bundle, unit), run_on_linux(unit)
            if husk.passed:
                expected[unit] = sorted(husk.passed)
                RECORD.write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
            for line in differences(husk, linux):
                print(f"{unit}: {line}", flush=True)


def differences(husk: Run, linux: Run) -> Iterator[str]:
    for here, there, where in ((husk, linux, "in husk"), (linux, husk, "on Linux")):
        for name in sorted(here.passed - there.passed):
            yield f"passes {where} alone: {name}: {there.error_of(name)}"
    for where, run in (("husk", husk), ("Linux", linux)):
        if not run.is_complete:
            yield f"did not come to its end in {where}: {run.said[-1000:]}"


if __name__ == "__main__":
    main(sys.argv[1:])
