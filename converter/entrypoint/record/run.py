"""One run: its own overlay and namespaces, the container's first process, and the watch over it.

Runs in a child of the supervisor, inside the sandbox's user namespace, and ends with an answer in
JSON. Nothing outlives it: the container is process 1 of a pid namespace and dies with its tracer.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass

from . import answer, container, linux, programs, ptrace, spawn
from .request import Request, Run, Start
from .snapshot import Comparison, Snapshots, SpoolFullError, UnreadableError
from .usage import BoundBrokenError, Usage
from .watch import NeverBeganError, Outcome, Watch, wake_pipe

# A file and all its attributes take about a kilobyte of memory that no size counts.
_MOST_FILES = 1 << 17
_BEGAN = b"\0"  # written before execve(2): what comes after it is the image's fault


class SetupError(Exception):
    """The container could not be set up."""


@dataclass(frozen=True, slots=True)
class Places:
    """Directories of a run, in the supervisor's view."""

    lower: str
    scratch: str  # a mount point; upper, work, root and beside are in it

    def __getitem__(self, name: str) -> str:
        return f"{self.scratch}/{name}"


@dataclass(frozen=True, slots=True)
class Pipes:
    """Between the watch and the container's first process, as (read, write)."""

    go: tuple[int, int]
    report: tuple[int, int]
    output: tuple[int, int]


def perform(request: Request, run: Run, places: Places) -> int:
    """Everything, from the overlay to the answer; the exit status."""
    try:
        _mount_overlay(places, request.bounds.memory_bytes)
        text = _watched(request, run, places)
    except OSError as refused:
        text = answer.unavailable(linux.told(refused))
    except SetupError as refused:
        text = answer.unavailable(str(refused))
    with open(run.answer, "w", encoding="utf-8", closefd=False) as file:
        file.write(text)
    return 0


def _mount_overlay(places: Places, size_bytes: int) -> None:
    linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWNET)
    options = f"size={size_bytes},nr_inodes={_MOST_FILES},mode=755"
    linux.mount("tmpfs", places.scratch, "tmpfs", linux.MS_NODEV, options)
    for name in ("upper", "work", "root", "beside"):
        os.mkdir(places[name], 0o755)
    top = os.lstat(places.lower)
    os.chown(places["upper"], top.st_uid, top.st_gid)
    os.chmod(places["upper"], stat.S_IMODE(top.st_mode))
    layers = f"lowerdir={places.lower},upperdir={places['upper']},workdir={places['work']}"
    # userxattr: what a user namespace may set. The rest keeps a directory's rename a copy, and a
    # change of mode or owner a whole file, so that the upper directory alone says all.
    options = f"{layers},userxattr,metacopy=off,index=off,xino=off"
    linux.mount("overlay", places["root"], "overlay", linux.MS_NODEV, options)


def _watched(request: Request, run: Run, places: Places) -> str:
    pipes = Pipes(*(os.pipe2(os.O_CLOEXEC) for _ in range(3)))
    linux.unshare(linux.CLONE_NEWPID)
    wake_pipe()
    first = spawn.fork(lambda: _be_container(request, run, places, pipes))
    for descriptor in (pipes.go[0], pipes.report[1], pipes.output[1]):
        os.close(descriptor)
    ptrace.seize(first)
    os.write(pipes.go[1], b"\0")
    if request.start is None:
        return _tried(first, pipes)
    os.set_blocking(pipes.output[0], False)
    # What changes again between one execve and the next is kept again: one bound for all of it.
    limit_bytes = request.bounds.memory_bytes
    snapshots = Snapshots(places["upper"], run.spool, limit_bytes)
    usage, follows = Usage(request.bounds), run.follows_calls
    watch = Watch(first, pipes.output[0], snapshots, usage, follows_calls=follows)
    watch.shift_clock(run.surroundings.clock_offset_s)
    try:
        outcome = watch.until_decided()
    except BoundBrokenError as broken:
        return answer.failed(str(broken), _shown(watch))
    except SpoolFullError:
        message = f"it wrote more than {limit_bytes} bytes, the bound on files"
        return answer.failed(message, _shown(watch))
    except UnreadableError as unreadable:
        return answer.failed(f"its files cannot be read: {unreadable}", _shown(watch))
    except NeverBeganError:
        return _never_began(pipes, request.start)
    finally:
        watch.end()
    entries = {entry.path: entry for entry in request.entries}
    comparison = Comparison(entries, places.lower, run.spool)
    return _judged(outcome, watch, comparison, snapshots.written(entries), places)


def _tried(first: int, pipes: Pipes) -> str:
    """The end of a run that was only to show that one is possible."""
    with open(pipes.report[0], "rb") as file:
        report = file.read()
    with suppress(ChildProcessError):
        os.waitpid(first, ptrace.WAIT_ALL)
    return answer.tried() if report == _BEGAN else answer.unavailable(os.fsdecode(report))


def _shown(watch: Watch) -> str:
    return watch.printed.decode("utf-8", "replace")


def _never_began(pipes: Pipes, start: Start) -> str:
    with open(pipes.report[0], "rb") as file:
        report = file.read()
    if not report.startswith(_BEGAN):
        raise SetupError(os.fsdecode(report) or "process 1 ended while it was set up")
    return answer.failed(f"{start.argv[0]} cannot be executed: {os.fsdecode(report[1:])}", "")


def _judged(
    outcome: Outcome,
    watch: Watch,
    comparison: Comparison,
    written: tuple[str, ...] | None,
    places: Places,
) -> str:
    """A script that fails is no start-up; a program that fails may miss its network."""
    status = outcome.exit_status
    state = outcome.final.state
    if status and programs.is_wrapper(state.exe, state.argv):
        message = f"it ended with status {status}{_lack(places)}"
        return answer.failed(message, _shown(watch))
    changes = comparison.changes(outcome.final.snapshot)
    return answer.told(outcome, changes, written, _shown(watch))


def _lack(places: Places) -> str:
    left = os.statvfs(places.scratch)
    if left.f_bavail == 0 or left.f_favail == 0:
        return "; its files filled all the memory they may use, the bound on memory"
    return ""


def _be_container(request: Request, run: Run, places: Places, pipes: Pipes) -> int:
    """In the child, process 1 of its namespace: comes back only when it could not go on."""
    start, surroundings, report = request.start, run.surroundings, pipes.report[1]
    os.close(pipes.go[1])
    os.read(pipes.go[0], 1)
    try:
        container.enter(places["root"], places["beside"], surroundings)
        if start is not None:
            container.prepare(start, request.bounds, surroundings.processors)
            _connect_output(start, pipes.output[1])
            container.confine(start, bool(surroundings.clock_offset_s))
    except OSError as refused:
        os.write(report, os.fsencode(linux.told(refused)))
        return 1
    except container.NoDirectoryError as refused:
        os.write(report, _BEGAN + os.fsencode(str(refused)))
        return 1
    os.write(report, _BEGAN)
    if start is None:
        return 0
    try:
        container.run_program(start, _environment(start.env, surroundings.hostname))
    except (OSError, ValueError) as refused:
        problem = refused.strerror if isinstance(refused, OSError) else None
        os.write(report, os.fsencode(problem or str(refused)))
    return 1


def _environment(env: tuple[str, ...], hostname: str) -> tuple[str, ...]:
    """With HOSTNAME, which docker gives to those that have none."""
    has_one = any(entry.startswith("HOSTNAME=") for entry in env)
    return env if has_one else (*env, f"HOSTNAME={hostname}")


def _connect_output(start: Start, output: int) -> None:
    """Nothing to read, one pipe for all that is printed; it belongs to the user, for /dev/stdout is
    opened anew by its path (runc's fixStdioPermissions)."""
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.fchown(1, start.uid, start.gid)
