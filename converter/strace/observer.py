"""What a traced run asked its kernel for: every path it named, and every call it made.

Nothing is followed that a program does with descriptors: a relative path may start from any
directory that the run named, so that too much is said rather than too little.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace

from ..model import NodeType, Tree
from ..runtime import Runtime
from . import plan, records, signature
from .signature import Signature

_PATH = "path"
_EXECUTING = frozenset((59, 322))  # execve, execveat
_AT_MOST = 200_000  # strings; a program may go on for ever


class Observer:
    """Takes the events of one guest of `runtime`."""

    def __init__(self, runtime: Runtime) -> None:
        parsed = (
            signature.parse(call.number, call.name, call.signature) for call in runtime.system_calls
        )
        self._known = {one.number: _of_paths(one) for one in parsed}
        self.kernel_words = (f"strace={plan.option(self._known, None, 0)}",)
        self.calls: set[int] = set()
        self._named: set[str] = set()
        self._processes: set[int] = set()
        self._executing: set[int] = set()  # threads
        self._at_ready: tuple[int, int] | None = None
        self._execs = 0

    def take(self, name: str, value: str) -> None:
        """An event of the guest, whatever it is about."""
        if name == "ready" and self._at_ready is None:
            self._at_ready = (len(self._processes), self._execs)
        record = records.parse(name, value)
        self._count(record)
        if not isinstance(record, records.Call):
            return
        self.calls.add(record.number)
        call = self._known.get(record.number)
        for argument in call.arguments if call is not None else ():
            text = record.memory.string(record.registers[argument.register])
            if text and len(self._named) < _AT_MOST:
                self._named.add(text.decode("utf-8", "surrogateescape"))

    @property
    def after_ready(self) -> tuple[int, int] | tuple[None, None]:
        """New processes and programs since it first listened on TCP; None where it did not."""
        if self._at_ready is None:
            return None, None
        return len(self._processes) - self._at_ready[0], self._execs - self._at_ready[1]

    def _count(self, record: records.Record | None) -> None:
        """A process is met at its first call; an execve(2) counts until it has failed."""
        if isinstance(record, records.Call):
            self._processes.add(record.pid)
            if record.number in _EXECUTING:
                self._executing.add(record.tid)
                self._execs += 1
        elif isinstance(record, records.Return) and record.tid in self._executing:
            self._executing.discard(record.tid)
            self._execs -= record.result < 0

    def paths(self, tree: Tree, cwd: str) -> frozenset[str]:
        """The paths of the tree that the run may have meant, with the symlinks on their ways."""
        found = {path for name in self._named for path in tree.chain(posixpath.join(cwd, name))}
        relative = {name for name in self._named if not name.startswith("/")}
        bases = {cwd}
        while new := {path for path in found if _is_directory(tree, path)} - bases:
            bases |= new
            for base in new:
                for name in relative:
                    found.update(tree.chain(posixpath.join(base, name)))
        return frozenset(found)


def _of_paths(call: Signature) -> Signature:
    """The call with no argument but the paths that it is given."""
    given = (one for one in call.arguments if one.type == _PATH and one.is_read)
    return replace(call, arguments=tuple(given))


def _is_directory(tree: Tree, path: str) -> bool:
    node = tree.get(path)
    return node is not None and node.type is NodeType.DIRECTORY
