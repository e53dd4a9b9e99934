"""A developer's tool: boots programs of a host directory, without a container image.

    python3 -m converter.guest --root DIR --exe /x [--arg x --arg -v] [--env K=V] [--cwd /]
                               [--exe /y …] [-o OUT.elf] [--machine q35] [-m 64] [-p 8080:80]

Every `--exe` begins a program; they run one after the other. Without `--arg` argv[0] is the exe.
With `-o` it only links. From a clone nothing need be installed but binutils and QEMU; the kernel's
table of system calls is taken as it stands, fresh or not in capabilities.json. The exit status is
the last program's, 124 after the time limit, 125 when the guest ended without one.

As a library: `link_directory` and `boot`. Owners are taken to be root: a host's mean nothing here.
"""

from __future__ import annotations

import argparse
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import tools
from .contents import HostFile
from .errors import Dock2ukError
from .link import Program, link_programs
from .match import offer, parse_runtime
from .model import Artifact, Node, NodeType
from .runtime import Runtime
from .verify import qemu, session

_RUNTIME = Path(__file__).resolve().parents[1] / "runtimes" / "husk"
TIMED_OUT = 124
NO_STATUS = 125


@dataclass(frozen=True, slots=True)
class GuestResult:
    """What a guest said and how it ended."""

    console: str
    events: tuple[session.Event, ...]
    exit_status: int
    command: str
    seconds: float


def link_directory(root: Path, programs: Sequence[Program], output: Path) -> Artifact:
    """Link a kernel image that runs `programs` over the files of `root`."""
    return link_programs(tuple(_nodes(root)), programs, offer(developer_runtime()), output)


def boot(
    image: Path,
    *,
    machine: str = "microvm",
    memory_mb: int = 64,
    timeout_s: float = 30,
    forwards: Sequence[qemu.Forward] = (),
    environment: tuple[str, ...] = (),
    kernel_words: tuple[str, ...] = (),
) -> GuestResult:
    """Boot `image` under TCG and wait for its end, at most `timeout_s`."""
    guest = qemu.Guest(
        image, machine, "tcg", memory_mb, tuple(forwards), environment, kernel_words=kernel_words
    )
    began_s = time.monotonic()
    with tempfile.NamedTemporaryFile() as console:
        serial = ("-serial", f"file:{console.name}")
        with session.start(guest, serial, errors=None) as running:
            events = tuple(running.events.until(began_s + timeout_s))
            has_ended = tools.wait(running.process, 1) is not None
        text = Path(console.name).read_text(errors="replace")
    status = _status(events) if has_ended else TIMED_OUT
    return GuestResult(text, events, status, running.command, time.monotonic() - began_s)


def developer_runtime() -> Runtime:
    """husk of this clone, with the system calls of its table at this moment."""
    generate = _RUNTIME / "tools" / "generate.py"
    capabilities = tools.run([sys.executable, generate, "--print"]).stdout
    return parse_runtime(_RUNTIME, (_RUNTIME / "runtime.toml").read_text(), capabilities)


def _status(events: Sequence[session.Event]) -> int:
    statuses = [event.exit_status for event in events if event.exit_status is not None]
    return statuses[-1] if statuses else NO_STATUS


def _nodes(root: Path) -> Iterator[Node]:
    yield _node(root, root)
    for directory, directories, files in os.walk(root):
        for name in directories + files:
            yield _node(root, Path(directory, name))


def _node(root: Path, path: Path) -> Node:
    status = path.lstat()
    node = Node(
        path="/" if path == root else f"/{path.relative_to(root)}",
        type=NodeType.FILE,
        mode=stat.S_IMODE(status.st_mode),
        uid=0,
        gid=0,
        mtime=int(status.st_mtime),
        inode=status.st_ino if status.st_nlink > 1 else 0,
    )
    if path.is_symlink():
        return replace(node, type=NodeType.SYMLINK, target=os.readlink(path))
    if path.is_dir():
        return replace(node, type=NodeType.DIRECTORY)
    return replace(node, content=HostFile(path))


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, tuple[Program, ...]]:
    parser = argparse.ArgumentParser(
        prog="python3 -m converter.guest",
        allow_abbrev=False,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--machine", choices=qemu.MACHINES, default="microvm")
    parser.add_argument("-m", "--memory-mb", type=int, default=64)
    parser.add_argument("-p", "--publish", action="append", type=qemu.parse_forward, default=[])
    parser.add_argument("--timeout-s", type=float, default=30)
    for option in ("--exe", "--arg", "--env", "--cwd", "--uid", "--gid"):
        parser.add_argument(option, dest="words", action=_Word, default=[])
    parsed = parser.parse_args(arguments)
    return parsed, _programs(parsed.words)


class _Word(argparse.Action):
    """Keeps options that belong together in the order they were given."""

    def __call__(self, parser, namespace, values, option_string=None):  # type: ignore[no-untyped-def]
        namespace.words = [*namespace.words, (option_string, values)]


def _programs(words: Sequence[tuple[str, str]]) -> tuple[Program, ...]:
    programs: list[Program] = []
    for option, value in words:
        if option == "--exe":
            programs.append(Program(exe=value, argv=()))
            continue
        if not programs:
            raise Dock2ukError(f"{option} {value} before any --exe")
        programs[-1] = _with(programs[-1], option, value)
    return tuple(replace(program, argv=program.argv or (program.exe,)) for program in programs)


def _with(program: Program, option: str, value: str) -> Program:
    if option == "--arg":
        return replace(program, argv=(*program.argv, value))
    if option == "--env":
        return replace(program, env=(*program.env, value))
    if option == "--cwd":
        return replace(program, cwd=value)
    return replace(program, **{option.removeprefix("--"): int(value)})  # type: ignore[arg-type]


def main(arguments: Sequence[str]) -> int:
    options, programs = _parse(arguments)
    if options.output is not None:
        made = link_directory(options.root, programs, options.output)
        print(f"{made.path}: kernel {made.kernel_bytes} bytes, archive {made.archive_bytes} bytes")
        return 0
    with tempfile.TemporaryDirectory() as directory:
        image = link_directory(options.root, programs, Path(directory, "unikernel.elf")).path
        result = boot(
            image,
            machine=options.machine,
            memory_mb=options.memory_mb,
            timeout_s=options.timeout_s,
            forwards=options.publish,
        )
    print(result.console, end="")
    for event in result.events:
        print(f"[event] {event.name} {event.value}", file=sys.stderr)
    return result.exit_status


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Dock2ukError as error:
        sys.exit(f"{error.message}{f' ({error.hint})' if error.hint else ''}")
