"""Nodes of a file system made up for a test."""

from __future__ import annotations

from typing import Any

from dock2uk.contents import Held
from dock2uk.model import Node, NodeType


def file(path: str, data: bytes = b"", mode: int = 0o644, **more: Any) -> Node:
    return node(path, NodeType.FILE, mode, content=Held(data), **more)


def directory(path: str, mode: int = 0o755, **more: Any) -> Node:
    return node(path, NodeType.DIRECTORY, mode, **more)


def symlink(path: str, target: str, **more: Any) -> Node:
    return node(path, NodeType.SYMLINK, 0o777, target=target, **more)


def node(path: str, kind: NodeType, mode: int, **more: Any) -> Node:
    fields = {"uid": 0, "gid": 0, "mtime": 1_000_000_000} | more
    return Node(path=path, type=kind, mode=mode, **fields)
