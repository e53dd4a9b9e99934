"""How many programs a recorded start-up became, and what the one that stays runs by itself.

One program may be many processes: what descends from it and is the same file is its own. Wrappers
above it (a shell, an init) are not counted. What any of them would do later is not known here.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..errors import UnsupportedError
from ..known_programs import is_shell
from ..model import Tree
from .record.recording import Exec, Process, Recording


@dataclass(frozen=True, slots=True)
class Children:
    """Other programs that the one that stays was seen running, as canonical paths."""

    kept: tuple[str, ...]
    shells: tuple[str, ...]  # not carried over


def require_one_program(recording: Recording) -> None:
    """UnsupportedError with the process tree when the image runs several programs side by side."""
    processes = {process.pid: process for process in recording.processes}
    own = [pid for pid in processes if _descends(pid, recording.final_pid, _parents(recording))]
    wrappers = set(_line_of_descent(recording.final_pid, _parents(recording)))
    strangers = [processes[pid] for pid in processes if pid not in own and pid not in wrappers]
    serving = {_program(processes[pid]) for pid in own if processes[pid].listening}
    final = processes.get(recording.final_pid)
    is_supervisor = len(serving) > 1 and final is not None and not final.listening
    if strangers or is_supervisor:
        reasons = ["the image runs more than one program:", *process_tree(recording)]
        hint = "convert each by itself: --entrypoint PROGRAM --cmd ARGUMENT"
        raise UnsupportedError(tuple(reasons), hint=hint)


def _program(one: Process) -> tuple[str, tuple[str, ...]]:
    """What was executed; those forked from it are the same."""
    return one.exe, one.argv


def process_tree(recording: Recording) -> tuple[str, ...]:
    """The processes at the end, one line each, children below their parents and to the right."""
    children: dict[int, list[Process]] = {}
    pids = {process.pid for process in recording.processes}
    for process in recording.processes:
        parent = process.parent if process.parent in pids else 0
        children.setdefault(parent, []).append(process)
    return tuple(_lines(children, 0, 0))


def children_of(recording: Recording, tree: Tree) -> Children:
    """What the program was seen running after it began."""
    paths = dict.fromkeys(one.exe for one in _own_execs(recording))
    paths.pop(recording.final.exe, None)
    nodes = [node for node in map(tree.get, paths) if node is not None]
    return Children(
        kept=tuple(node.path for node in nodes if not is_shell(node)),
        shells=tuple(node.path for node in nodes if is_shell(node)),
    )


def _own_execs(recording: Recording) -> Iterator[Exec]:
    """By the program and those below it, after its own execve."""
    parents = _parents(recording)
    has_begun = False
    for one in recording.execs:
        if has_begun and _descends(one.pid, recording.final_pid, parents):
            yield one
        is_final = one.pid == recording.final_pid and one.argv == recording.final.argv
        has_begun = has_begun or is_final


def _parents(recording: Recording) -> Mapping[int, int]:
    """Process -> the one that made it, of all that were seen."""
    of_execs = {one.pid: one.parent for one in recording.execs}
    return {process.pid: process.parent for process in recording.processes} | of_execs


def _descends(pid: int, ancestor: int, parents: Mapping[int, int]) -> bool:
    return ancestor in _line_of_descent(pid, parents)


def _line_of_descent(pid: int, parents: Mapping[int, int]) -> tuple[int, ...]:
    """A process and those above it."""
    line = [pid]
    while line[-1] in parents and parents[line[-1]] not in line:
        line.append(parents[line[-1]])
    return tuple(line)


def _lines(children: Mapping[int, list[Process]], pid: int, depth: int) -> Iterator[str]:
    for process in children.get(pid, ()):
        listening = f"  ({', '.join(process.listening)})" if process.listening else ""
        yield f"{'  ' * depth}{process.pid} {shlex.join(process.argv)}{listening}"
        yield from _lines(children, process.pid, depth + 1)
