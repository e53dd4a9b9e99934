"""An image's start-up as a Docker container goes through it, held at the program it ends in.

A library that ld.so(8) loads into every program (at_exec.c) notes what each begins with, and stops
the one that is asked for before its main() runs: files can be read as start-up left them. Then it
goes on, and what it listens on is read from /proc. The container has no network.
"""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dock2uk.model import Node, Tree
from tests.entrypoint.observed import Found, as_found

SOURCE = Path(__file__).with_name("at_exec.c")
_START_S = 60
_LISTEN_S = 20
_OURS = ("/at_exec", "/at_exec.so", "/etc/ld.so.preload")
_TYPES = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink"}
_LISTEN = "0A"  # TCP_LISTEN, include/net/tcp_states.h


@dataclass(frozen=True, slots=True)
class AtExec:
    """What at_exec.c wrote of one program."""

    exe: str
    cwd: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    status: Mapping[str, str]  # proc_pid_status(5)
    limits: Mapping[str, tuple[str, str]]  # "Max open files": soft and hard


@dataclass(frozen=True, slots=True)
class Container:
    """One that was started; `directory` is /at_exec inside it."""

    identity: str
    directory: Path

    def held(self) -> AtExec:
        """The program that is waiting, once there is one."""
        mark = self.directory / "held"
        _wait_until(mark.is_symlink, _START_S, f"nothing is held; it said:\n{self.output()}")
        return _read(self.directory / os.readlink(mark))

    def release(self) -> None:
        """Let the program that waits run, and all that come after it."""
        (self.directory / "go").touch()

    def output(self) -> str:
        done = subprocess.run(
            ["docker", "logs", self.identity], capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def changed_paths(self) -> dict[str, str]:
        """docker diff: path -> A, C or D."""
        lines = _docker("diff", self.identity).decode().splitlines()
        pairs = (line.split(" ", 1) for line in lines)
        return {path: kind for kind, path in pairs if path not in _OURS}

    def node(self, path: str, change: str) -> Found:
        """A path as it is, from the tar that docker cp makes of it."""
        with tarfile.open(fileobj=io.BytesIO(self._copy(path))) as archive:
            member = archive.next()
            assert member is not None
            file = archive.extractfile(member) if member.isreg() else None
            return Found(
                change,
                _TYPES[member.type],
                member.mode & 0o7777,  # Go's archive/tar leaves the type in
                (member.uid, member.gid),
                file.read() if file else None,
                member.linkname or None,
            )

    def _copy(self, path: str) -> bytes:
        return _docker("cp", f"{self.identity}:{path}", "-")

    def listening(self, count: int) -> set[str]:
        """What is listened on, once that is `count` sockets, or when that takes too long."""
        deadline_s = time.monotonic() + _LISTEN_S
        while True:
            sockets = set(self._sockets())
            if len(sockets) >= count or time.monotonic() > deadline_s:
                return sockets
            time.sleep(0.1)

    def _sockets(self) -> Iterator[str]:
        proc = (
            Path("/proc")
            / _docker("inspect", "-f", "{{.State.Pid}}", self.identity).decode().strip()
        )
        for line in (proc / "net/tcp").read_text().splitlines()[1:]:
            if line.split()[3] == _LISTEN:
                yield f"tcp {_ipv4(line.split()[1])}"
        for line in (proc / "net/tcp6").read_text().splitlines()[1:]:
            if line.split()[3] == _LISTEN:
                yield f"tcp {_ipv6(line.split()[1])}"
        for line in (proc / "net/unix").read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[3], 16) & 0x10000 and len(fields) > 7:  # __SO_ACCEPTCON, linux/net.h
                yield f"unix {fields[7]}"

    def programs(self) -> set[str]:
        """Executables of all processes, as the container sees them."""
        lines = _docker("top", self.identity, "-eo", "pid").decode().split()[1:]
        return {os.readlink(f"/proc/{pid}/exe") for pid in lines}


def changes(container: Container, tree: Tree, loose: tuple[str, ...]) -> dict[str, Found]:
    """Every path that start-up left otherwise than the image has it. Of what is in the `loose`
    directories only the names are looked at."""
    seen = {}
    for path, kind in container.changed_paths().items():
        before = tree.get(path)
        if kind == "D":
            seen[path] = Found("removed")
        elif any(path.startswith(f"{directory}/") for directory in loose):
            seen[path] = Found("created")
        else:
            after = container.node(path, "created" if before is None else "changed")
            if before is None or not _is_as_before(before, after):
                seen[path] = after
    return seen


def _is_as_before(before: Node, after: Found) -> bool:
    return as_found(after.change, before) == after


@contextmanager
def started(image: str, directory: Path, exe: str, is_process_1: bool) -> Iterator[Container]:
    """A container of the image that will stop at `exe`; killed and removed at the end."""
    library = directory / "at_exec.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", library, SOURCE], check=True)
    (directory / "preload").write_text("/at_exec.so\n")
    notes = directory / "at_exec"
    notes.mkdir()
    notes.chmod(0o1777)
    (notes / "hold").write_text(f"{exe}\n{int(is_process_1)}\n")
    command = ["run", "--detach", "--network", "none", "--volume", f"{notes}:/at_exec"]
    command += ["--volume", f"{library}:/at_exec.so:ro"]
    command += ["--volume", f"{directory / 'preload'}:/etc/ld.so.preload:ro", image]
    identity = _docker(*command).decode().strip()
    try:
        yield Container(identity, notes)
    finally:
        subprocess.run(["docker", "rm", "--force", identity], capture_output=True, check=False)


def _docker(*words: str) -> bytes:
    done = subprocess.run(["docker", *words], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr.decode()}"
    return done.stdout


def _wait_until(condition: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, otherwise
        time.sleep(0.05)


def _read(directory: Path) -> AtExec:
    status = [line.split(":", 1) for line in (directory / "status").read_text().splitlines()]
    limits = (directory / "limits").read_text().splitlines()[1:]
    fields = (re.split(r" {2,}", line) for line in limits)
    return AtExec(
        exe=os.readlink(directory / "exe"),
        cwd=os.readlink(directory / "cwd"),
        argv=_strings(directory / "argv"),
        env=dict(entry.split("=", 1) for entry in _strings(directory / "environ")),
        status={name: value.strip() for name, value in status},
        limits={name: (soft, hard) for name, soft, hard, *_ in fields},
    )


def _strings(path: Path) -> tuple[str, ...]:
    return tuple(path.read_bytes().decode().split("\0")[:-1])


def _ipv4(text: str) -> str:
    """proc_pid_net(5): the address as one hexadecimal number of this machine's byte order."""
    address, port = text.split(":")
    return f"{socket.inet_ntop(socket.AF_INET, _bytes(address))}:{int(port, 16)}"


def _ipv6(text: str) -> str:
    address, port = text.split(":")
    return f"[{socket.inet_ntop(socket.AF_INET6, _bytes(address))}]:{int(port, 16)}"


def _bytes(words: str) -> bytes:
    each = (words[start : start + 8] for start in range(0, len(words), 8))
    return b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in each)
