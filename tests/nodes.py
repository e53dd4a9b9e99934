"""Nodes of a file system made up for a test."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, BinaryIO

from dock2uk.model import Node, NodeType


@dataclass(frozen=True)
class Bytes:
    """Content that is held in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self) -> bytes:
        return self.data

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


def file(path: str, data: bytes = b"", mode: int = 0o644, **more: Any) -> Node:
    return node(path, NodeType.FILE, mode, content=Bytes(data), **more)


def directory(path: str, mode: int = 0o755, **more: Any) -> Node:
    return node(path, NodeType.DIRECTORY, mode, **more)


def symlink(path: str, target: str, **more: Any) -> Node:
    return node(path, NodeType.SYMLINK, 0o777, target=target, **more)


def node(path: str, kind: NodeType, mode: int, **more: Any) -> Node:
    fields = {"uid": 0, "gid": 0, "mtime": 1_000_000_000} | more
    return Node(path=path, type=kind, mode=mode, **fields)
