"""What the converter asks of the supervisor, as JSON: the image's paths, the launch, the runs.

Both sides read this file. Contents are not in it: each is a place in a descriptor that the
supervisor inherits. Strings that are no UTF-8 survive as lone surrogates (PEP 383).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...model import NodeType
from .recording import Bounds, Surroundings

MADE = b"made\n"  # told by the supervisor when it has a user namespace


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file's bytes are: in which inherited descriptor, from where."""

    descriptor: int
    offset: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A path to be made: `model.Node` without what stays in the converter."""

    path: str
    type: NodeType
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int
    inode: int
    place: Place | None  # of a regular file that is not empty
    target: str | None
    xattrs: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Start:
    """The first execve(2) of the container."""

    argv: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    umask: int


@dataclass(frozen=True, slots=True)
class Run:
    """One of the runs, and the descriptors it answers through."""

    surroundings: Surroundings
    answer: int  # JSON
    spool: int  # contents of changed files
    follows_calls: bool = False  # which system calls are made


@dataclass(frozen=True, slots=True)
class Request:
    """Everything the supervisor is told. Without `start` it only tries whether it could."""

    entries: tuple[Entry, ...]
    start: Start | None
    runs: tuple[Run, ...]
    bounds: Bounds


def to_json(request: Request) -> str:
    start, bounds = request.start, request.bounds
    return json.dumps(
        {
            "entries": [_entry_row(entry) for entry in request.entries],
            "start": None if start is None else [getattr(start, name) for name in Start.__slots__],
            "runs": [
                [[getattr(run.surroundings, name) for name in Surroundings.__slots__],
                 run.answer, run.spool, run.follows_calls]
                for run in request.runs
            ],
            "bounds": [getattr(bounds, name) for name in Bounds.__slots__],
        }
    )  # fmt: skip


def from_json(text: str) -> Request:
    told = json.loads(text)
    return Request(
        entries=tuple(_entry(row) for row in told["entries"]),
        start=None if told["start"] is None else _start(told["start"]),
        runs=tuple(Run(Surroundings(*row[0]), *row[1:]) for row in told["runs"]),
        bounds=Bounds(*told["bounds"]),
    )


def _entry_row(entry: Entry) -> list[Any]:
    place = entry.place
    return [
        entry.path, entry.type.value, entry.mode, entry.uid, entry.gid, entry.mtime, entry.size,
        entry.inode, None if place is None else [place.descriptor, place.offset], entry.target,
        {name: value.hex() for name, value in entry.xattrs.items()},
    ]  # fmt: skip


def _entry(row: list[Any]) -> Entry:
    path, kind, mode, uid, gid, mtime, size, inode, place, target, xattrs = row
    return Entry(
        path, NodeType(kind), mode, uid, gid, mtime, size, inode,
        None if place is None else Place(*place), target,
        {name: bytes.fromhex(value) for name, value in xattrs.items()},
    )  # fmt: skip


def _start(row: list[Any]) -> Start:
    argv, env, cwd, uid, gid, groups, umask = row
    return Start(tuple(argv), tuple(env), cwd, uid, gid, tuple(groups), umask)
