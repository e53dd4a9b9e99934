"""What this machine has and lacks for converting and running, with the command that mends it.

Looks; changes nothing. What is `required` must be there for `convert` and `run` to work at all;
the rest makes them better or opens one kind of source.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import tools
from ..errors import Dock2ukError
from ..runtime import Runtime
from . import accelerator, qemu

_OLDEST_PYTHON = (3, 11)
_OLDEST_QEMU = (5, 0)  # PVH on microvm, isa-debugcon on it
_ENOUGH_MEMORY_MB = 512
_BINUTILS = ("as", "ld", "nm", "size", "strip")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for."""

    name: str
    is_ok: bool
    is_required: bool
    value: str  # what was found
    remedy: str | None = None  # the command that mends it, when it is not well


def examine(runtimes: Sequence[Runtime], sandbox_obstacle: str | None) -> tuple[Finding, ...]:
    """Everything that is looked for, in the order in which to mend it; whether a start-up can be
    run in a sandbox was tried by who calls."""
    return (
        _python(),
        _binutils(),
        _qemu(),
        _setpriv(),
        *(finding for runtime in runtimes for finding in _runtime(runtime)),
        _memory(),
        _sandbox(sandbox_obstacle),
        _accelerator(),
        _docker(),
    )


def is_ready(findings: Sequence[Finding]) -> bool:
    """Whether converting and running would work."""
    return all(finding.is_ok for finding in findings if finding.is_required)


def _python() -> Finding:
    found = platform.python_version_tuple()
    is_ok = (int(found[0]), int(found[1])) >= _OLDEST_PYTHON
    remedy = None if is_ok else "apt-get install python3"
    return Finding("Python 3.11", is_ok, True, platform.python_version(), remedy)


def _binutils() -> Finding:
    missing = [name for name in _BINUTILS if shutil.which(name) is None]
    if missing:
        value = f"without {', '.join(missing)}"
        return Finding("binutils", False, True, value, "apt-get install binutils")
    return Finding("binutils", True, True, _first_line("ld", "--version"))


def _qemu() -> Finding:
    remedy = f"apt-get install {qemu.PACKAGE}"
    if shutil.which(qemu.PROGRAM) is None:
        return Finding("QEMU", False, True, f"no {qemu.PROGRAM}", remedy)
    line = _first_line(qemu.PROGRAM, "--version")
    is_ok = _version(line) >= _OLDEST_QEMU
    return Finding("QEMU", is_ok, True, line, None if is_ok else remedy)


def _version(line: str) -> tuple[int, ...]:
    """Of "QEMU emulator version 7.2.22 (Debian …)"."""
    words = line.partition("version ")[2].split()
    return tuple(int(part) for part in words[0].split(".")[:2] if part.isdecimal()) if words else ()


def _setpriv() -> Finding:
    path = shutil.which("setpriv")
    remedy = None if path else "apt-get install util-linux"
    return Finding("setpriv", path is not None, True, path or "not there", remedy)


def _runtime(runtime: Runtime) -> Iterator[Finding]:
    name = f"runtime {runtime.name}"
    libraries = (runtime.library, *(one.path for one in runtime.smaller_libraries))
    unbuilt = [path for path in libraries if not path.exists()]
    is_built = not unbuilt
    value = str(runtime.library) if is_built else f"{unbuilt[0]} is not built"
    yield Finding(name, is_built, True, value, None if is_built else "make husk")
    if (runtime.directory / "Cargo.toml").exists():  # a clone: the library can be built
        yield _rust(is_required=not is_built)


def _rust(*, is_required: bool) -> Finding:
    has_rust = shutil.which("cargo") is not None
    value = _first_line("cargo", "--version") if has_rust else "no cargo"
    remedy = None if has_rust else "install stable Rust with rustup (https://rustup.rs)"
    return Finding("Rust", has_rust, is_required, value, remedy)


def _memory() -> Finding:
    """MemAvailable of proc_meminfo(5)."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    available_mb = int(fields["MemAvailable"].split()[0]) // 1024
    is_ok = available_mb >= _ENOUGH_MEMORY_MB
    remedy = None if is_ok else f"free some: a conversion wants {_ENOUGH_MEMORY_MB} MB"
    return Finding("memory", is_ok, False, f"{available_mb} MB available", remedy)


def _sandbox(obstacle: str | None) -> Finding:
    """Wanted for images whose start-up script has to be run to be understood."""
    return Finding("sandbox", obstacle is None, False, obstacle or "start-ups can be recorded")


def _accelerator() -> Finding:
    """Slow is not broken: TCG is enough."""
    if shutil.which(qemu.PROGRAM) is None:
        return Finding("KVM", False, False, "not tried: there is no QEMU")
    choice = accelerator.choose("auto")
    return Finding("KVM", choice.accelerator == "kvm", False, choice.because)


def _docker() -> Finding:
    """Wanted for image references only; archives and OCI layouts need no daemon."""
    import docker  # its import is slow, and nothing else here needs it

    try:
        client = docker.from_env(timeout=5)
        value = f"version {client.version()['Version']}"
        client.close()
    except (docker.errors.DockerException, OSError, KeyError) as error:
        where = os.environ.get("DOCKER_HOST", "the default socket")
        remedy = "apt-get install docker.io && systemctl start docker"
        return Finding("Docker daemon", False, False, f"no answer at {where}: {error}", remedy)
    return Finding("Docker daemon", True, False, value)


def _first_line(*command: str) -> str:
    try:
        return tools.run(command, timeout_s=10).stdout.partition("\n")[0]
    except Dock2ukError as error:
        return error.message
