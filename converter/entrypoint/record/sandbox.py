"""The converter's side of a recorded run: asks a supervisor for it and reads the answers."""

from __future__ import annotations

import os
import select
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from ... import tools
from ...errors import Dock2ukError, SandboxUnavailableError
from ...model import Node, NodeType, OnePiece, Tree
from ...progress import Progress, Silent
from ..launch import Launch
from . import answer, id_maps, processes
from .obstacles import remedy
from .recording import Bounds, Recording, Surroundings
from .request import MADE, Entry, Place, Request, Run, Start, to_json

_SUPERVISOR = "dock2uk.entrypoint.record.supervisor"
_MORE_S = 30.0  # than a start-up may take: to unpack, and to end
_END_S = 5.0
_NOWHERE = Surroundings("sandbox", "172.17.0.2", 0, None)


def record(
    tree: Tree,
    launch: Launch,
    surroundings: Sequence[Surroundings],
    bounds: Bounds,
    progress: Progress | None = None,
) -> tuple[Recording, ...]:
    """Run the start-up once for each of the surroundings, at the same time, and watch.

    SandboxUnavailableError when this machine allows no sandbox; StartupError when the start-up
    fails or uses more than it may.
    """
    (progress or Silent()).step("running its start-up in a sandbox")
    start = Start(
        launch.argv, launch.env, launch.cwd, launch.uid, launch.gid, launch.groups, launch.umask
    )
    with _Session() as session:
        entries = session.entries(tree)
        maps = id_maps.choose()
        _require_room(entries, maps)
        # The calls of one run are enough, and take time.
        runs = [session.run(one, follows_calls=one is surroundings[0]) for one in surroundings]
        request = Request(entries, start, tuple(run for run, _, _ in runs), bounds)
        session.perform(request, maps)
        return tuple(answer.read(_text(told), spool) for _, told, spool in runs)


def find_obstacle() -> str | None:
    """Why no sandbox can be made on this machine; None when one can. Tries it, with no image."""
    try:
        with _Session() as session:
            run, told, _ = session.run(_NOWHERE)
            top = Entry("/", NodeType.DIRECTORY, 0o755, 0, 0, 0, 0, 0, None, None, {})
            session.perform(Request((top,), None, (run,), Bounds(time_s=1)), id_maps.choose())
            answer.checked(_text(told))
    except Dock2ukError as error:
        return error.message if error.hint is None else f"{error.message} ({error.hint})"
    return None


def _require_room(entries: Sequence[Entry], maps: id_maps.IdMaps) -> None:
    needed, free = sum(entry.size for entry in entries), processes.available_bytes() // 2
    if needed > free:
        raise SandboxUnavailableError(
            f"the image has {needed} bytes of files, and they would have to fit in half of the "
            f"memory that is available, {free} bytes",
            hint="free some memory",
        )
    for entry in entries:
        if entry.uid >= maps.users.count or entry.gid >= maps.groups.count:
            raise SandboxUnavailableError(
                f"{entry.path} belongs to {entry.uid}:{entry.gid}, and only "
                f"{maps.users.count} users and {maps.groups.count} groups can be had here"
            )


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()


class _Session:
    """The files a supervisor works with, and itself while it runs. All have no name."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._passed: list[int] = []
        self._sources: dict[str, int] = {}

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def entries(self, tree: Tree) -> tuple[Entry, ...]:
        """The image's paths, each with where its content can be had."""
        beside = self._temporary()
        return tuple(_entry(node, self._place(node, beside)) for node in tree)

    def run(
        self, surroundings: Surroundings, *, follows_calls: bool = False
    ) -> tuple[Run, BinaryIO, BinaryIO]:
        """A run to ask for, the file its answer will be in, and its spool, which is the caller's:
        contents are read from it for as long as somebody holds one."""
        told, spool = self._temporary(), _nameless()
        self._passed.append(spool.fileno())
        run = Run(surroundings, told.fileno(), spool.fileno(), follows_calls)
        return run, told, spool

    def perform(self, request: Request, maps: id_maps.IdMaps) -> None:
        """Have it done, however long it takes within its bounds."""
        asked = self._temporary()
        asked.write(to_json(request).encode())
        asked.seek(0)
        complaints = self._temporary()
        with ExitStack() as pipes:
            (told, tell), (hear, say) = _pipe(pipes), _pipe(pipes)
            numbers = [file.fileno() for file in (asked, tell, hear)]
            process = tools.start(
                [sys.executable, "-P", "-m", _SUPERVISOR, *map(str, numbers)],
                pass_descriptors=(*self._passed, *numbers[1:]),
                errors=complaints.fileno(),
            )
            try:
                tell.close()
                hear.close()
                deadline_s = time.monotonic() + request.bounds.time_s + _MORE_S
                self._introduce(process.pid, maps, told, say)
                _hear_out(told, deadline_s)
                status = tools.wait(process, _END_S)
            finally:
                tools.end(process)
        if status != 0 or not all(os.fstat(run.answer).st_size for run in request.runs):
            last = _text(complaints).strip().splitlines()[-1:] or [f"status {status}, no answer"]
            raise SandboxUnavailableError(f"the sandbox's supervisor failed: {last[0]}")

    def _introduce(self, pid: int, maps: id_maps.IdMaps, told: BinaryIO, say: BinaryIO) -> None:
        """Wait for its user namespace, and give that its IDs."""
        first = told.read(len(MADE)) or b""
        if first == MADE:
            id_maps.apply(maps, pid)
            say.write(b"\0")
        elif first:
            raise _no_sandbox(first + (told.read() or b""))

    def _place(self, node: Node, beside: BinaryIO) -> Place | None:
        content = node.content
        if content is None or not content.size:
            return None
        if isinstance(content, OnePiece):
            path, offset = content.piece()
            return Place(self._source(str(path)), offset)
        offset = beside.seek(0, os.SEEK_END)
        beside.write(content.read())
        return Place(beside.fileno(), offset)

    def _source(self, path: str) -> int:
        """A descriptor of a layer's file: the supervisor itself could not open it."""
        if path not in self._sources:
            with Path(path).open("rb", buffering=0) as file:
                descriptor = os.dup(file.fileno())
            self._stack.callback(os.close, descriptor)
            self._sources[path] = descriptor
            self._passed.append(descriptor)
        return self._sources[path]

    def _temporary(self) -> BinaryIO:
        file = self._stack.enter_context(_nameless())
        self._passed.append(file.fileno())
        return file


def _nameless() -> BinaryIO:
    return tempfile.TemporaryFile(buffering=0)


def _pipe(stack: ExitStack) -> tuple[BinaryIO, BinaryIO]:
    """The ends to read and to write."""
    reading, writing = os.pipe()
    return (
        stack.enter_context(open(reading, "rb", buffering=0)),
        stack.enter_context(open(writing, "wb", buffering=0)),
    )


def _hear_out(told: BinaryIO, deadline_s: float) -> None:
    """Until the supervisor and all its runs have ended; then nothing has been said, or why not."""
    problem = b""
    while True:
        ready, _, _ = select.select([told], [], [], max(0, deadline_s - time.monotonic()))
        if not ready:
            raise SandboxUnavailableError("the sandbox's supervisor did not end in time")
        piece = told.read(4096)
        if not piece:
            break
        problem += piece
    if problem:
        raise _no_sandbox(problem)


def _no_sandbox(problem: bytes) -> SandboxUnavailableError:
    message = f"no sandbox can be made: {os.fsdecode(problem)}"
    return SandboxUnavailableError(message, hint=remedy())


def _entry(node: Node, place: Place | None) -> Entry:
    return Entry(
        node.path, node.type, node.mode, node.uid, node.gid, node.mtime, node.size, node.inode,
        place, node.target, node.xattrs,
    )  # fmt: skip
