"""Contents of nodes that come from no layer (`model.Content`); and what tells contents apart."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .model import Content, Node

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self) -> bytes:
        return self.data

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class HostFile:
    """A file of this machine, read when it is asked for, not before."""

    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def read(self) -> bytes:
        return self.path.read_bytes()

    def open(self) -> BinaryIO:
        return self.path.open("rb")


def content_digest(node: Node) -> bytes:
    """The sha256 of a file's content, of nothing where it has none."""
    return digest_of(node.content if node.content is not None else Held(b""))


def digest_of(content: Content) -> bytes:
    """The sha256; read piece by piece."""
    state = hashlib.sha256()
    with content.open() as file:
        while piece := file.read(_PIECE_BYTES):
            state.update(piece)
    return state.digest()
