"""A range of some file: how a layer or a document lies in an archive, a layout or the cache."""

from __future__ import annotations

import io
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import cast

_CHUNK_BYTES = 1 << 20


class Seekable(io.RawIOBase, ABC):
    """A file of `size_bytes` whose bytes are found by their place."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._position = 0

    @abstractmethod
    def _found(self, position: int, wanted_bytes: int) -> bytes:
        """As many of the bytes from `position` as can be had at once; `wanted_bytes` is over 0 and
        no more than there are."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size_bytes}
        self._position = max(0, base[whence] + offset)
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        wanted = max(0, min(len(view), self._size_bytes - self._position))
        data = self._found(self._position, wanted) if wanted else b""
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def readall(self) -> bytes:
        """The rest at once: io's own goes over it in small pieces, and has it twice."""
        parts = []
        while (left := self._size_bytes - self._position) > 0:
            data = self._found(self._position, left)
            if not data:
                break
            self._position += len(data)
            parts.append(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)


class Range(Seekable):
    """`size_bytes` of a file from `offset`, as a file of its own."""

    def __init__(self, path: Path, offset: int, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self._file = path.open("rb", buffering=0)
        self._offset = offset

    def _found(self, position: int, wanted_bytes: int) -> bytes:
        return os.pread(self._file.fileno(), wanted_bytes, self._offset + position)

    def close(self) -> None:
        self._file.close()
        super().close()


@dataclass(frozen=True, slots=True)
class Blob:
    """A range of `path`."""

    path: Path
    offset: int
    size: int

    def open(self) -> io.BufferedReader:
        return io.BufferedReader(Range(self.path, self.offset, self.size), _CHUNK_BYTES)

    def read(self) -> bytes:
        with self.open() as file:
            return file.read()
