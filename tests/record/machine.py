"""Images made of this machine's own programs, to be run in the sandbox; and what may be left."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from dock2uk.contents import Held
from dock2uk.entrypoint.launch import Launch
from dock2uk.entrypoint.record import Bounds, Recording, Surroundings, record
from dock2uk.model import Node, NodeType, Tree
from tests.leftovers import left
from tests.unit.trees import Entry, host_entries, tree

HERE = Path(__file__).parent
PATH = "/usr/local/bin:/usr/bin:/bin"
ONE = Surroundings("alpha", "172.17.0.5", 0, None)
OTHER = Surroundings("beta", "172.18.0.9", 86_400 * 400, 1)
_NAMES = ("image", "run0", "run1")  # directories a sandbox has in its /tmp
_FIRST_ID = 0x70000000
_OTHERS_GROUP = re.compile(r"docker|buildah|libpod|\.slice|\.scope")
_UTILITIES = (
    "sh", "cat", "chmod", "chown", "date", "dd", "env", "hostname", "id", "kill", "ln", "ls",
    "mkdir", "mkfifo", "mount", "mv", "nproc", "rm", "setsid", "sleep", "stat", "touch", "true",
    "uname", "yes",
)  # fmt: skip


@cache
def actor() -> bytes:
    """The C program that does what a shell cannot, linked statically: tests/record/actor.c."""
    directory = HERE.parents[1] / "build" / "record"
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / f"actor-{os.getpid()}"
    subprocess.run(
        ["gcc", "-O1", "-Wall", "-Werror", "-static", "-o", program, HERE / "actor.c"], check=True
    )
    data = program.read_bytes()
    program.unlink()
    return data


@cache
def _utilities() -> Mapping[str, Entry]:
    found = [path for name in _UTILITIES if (path := shutil.which(name, path="/usr/bin:/bin"))]
    shown = subprocess.run(["ldd", *found], capture_output=True, text=True, check=True).stdout
    libraries = set(re.findall(r"(/\S+\.so\S*)", shown))
    return host_entries({*found, *libraries, "/bin/sh"})


def script(text: str, mode: int = 0o755) -> Node:
    """A shell script."""
    data = f"#!/bin/sh\n{text}\n".encode()
    return Node("", NodeType.FILE, mode, 0, 0, 1_700_000_000, content=Held(data))


def program(mode: int = 0o755, uid: int = 0) -> Node:
    """The actor under some name."""
    return Node("", NodeType.FILE, mode, uid, 0, 1_700_000_000, content=Held(actor()))


def machine(start: str, entries: Mapping[str, Entry] | None = None) -> Tree:
    """An image with the usual tools, the actor as /usr/bin/server, and a start-up script."""
    return tree(
        {
            "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nserver:x:33:33::/srv:/bin/sh\n",
            "/tmp": Node("", NodeType.DIRECTORY, 0o1777, 0, 0, 0),
            "/run": None,
            **_utilities(),
            "/usr/bin/server": program(),
            "/start": script(start),
            **(entries or {}),
        }
    )


def launch(
    *argv: str, uid: int = 0, env: tuple[str, ...] = (), cwd: str = "/", umask: int = 0o022
) -> Launch:
    gid = uid
    variables = (f"PATH={PATH}", "HOME=/root", *env)
    return Launch(argv or ("/start",), variables, cwd, uid, gid, (gid,), umask)


def run(start: str, entries: Mapping[str, Entry] | None = None, **bounds: float) -> Recording:
    """One run of a script."""
    limits = Bounds(**{"time_s": 20, **bounds})  # type: ignore[arg-type]
    return record(machine(start, entries), launch(), [ONE], limits)[0]


@contextmanager
def leaves_nothing() -> Iterator[None]:
    """No process, mount, cgroup or file is there afterwards that was not before.

    Others may use this machine meanwhile: looked at is what a sandbox would leave.
    """
    with tempfile.TemporaryDirectory() as ours:
        usual, tempfile.tempdir = tempfile.tempdir, ours
        before = _remains(ours)
        try:
            yield
        finally:
            tempfile.tempdir = usual
        assert not left(lambda: _remains(ours), before)


def _remains(temporary: str) -> set[str]:
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    groups = [path for path, _, _ in os.walk("/sys/fs/cgroup")]  # bears that some vanish
    files = [*os.listdir(temporary), *(name for name in os.listdir("/tmp") if name in _NAMES)]
    return {
        *(mount for mount in mounts if any(f"/tmp/{name}" in mount for name in _NAMES)),
        *(group for group in groups if not _OTHERS_GROUP.search(group)),
        *files,
        *_sandboxed(),
    }


def _sandboxed() -> set[str]:
    """Of sandboxes, their supervisors, and the PID namespaces of whatever has IDs that only they
    have: processes come and go in one that is left behind, as a fork bomb's do."""
    found = set()
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            if "record.supervisor" in command:
                found.add(f"{pid}: {command}")
            if os.stat(f"/proc/{pid}").st_uid >= _FIRST_ID:
                found.add(os.readlink(f"/proc/{pid}/ns/pid"))
        except OSError:
            continue
    return found
