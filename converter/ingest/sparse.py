"""Sparse files of a layer (GNU tar manual § Sparse Formats): only their data is in the tar."""

from __future__ import annotations

import bisect
import io
import itertools
from dataclasses import dataclass
from typing import BinaryIO, cast

from .blob import Blob, Range, Seekable


@dataclass(frozen=True, slots=True)
class SparseContent:
    """A sparse file (GNU tar manual § Sparse Formats): pieces of data, zeros between."""

    blob: Blob
    offset: int
    pieces: tuple[tuple[int, int], ...]  # offset in the file, bytes
    size: int

    def open(self) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_SparseReader(self)))

    def read(self) -> bytes:
        with self.open() as file:
            return file.read()


class _SparseReader(Seekable):
    """Pieces and the zeros between them as they are asked for: holes cost no memory."""

    def __init__(self, content: SparseContent) -> None:
        super().__init__(content.size)
        self._starts = [start for start, _ in content.pieces]
        self._pieces = content.pieces
        lengths = [length for _, length in content.pieces]
        self._stored = [0, *itertools.accumulate(lengths)]  # where each piece lies in the tar
        data_bytes = self._stored[-1]
        offset = content.blob.offset + content.offset
        self._data = Range(content.blob.path, offset, data_bytes)

    def _found(self, position: int, wanted_bytes: int) -> bytes:
        """Of the piece or hole that the position is in, as much as there is."""
        index = bisect.bisect_right(self._starts, position) - 1
        if index >= 0:
            start, length = self._pieces[index]
            into = position - start
            if into < length:
                self._data.seek(self._stored[index] + into)
                return self._data.read(min(wanted_bytes, length - into)) or b""
        following = self._starts[index + 1 : index + 2] or [self._size_bytes]
        return bytes(min(wanted_bytes, following[0] - position))

    def close(self) -> None:
        self._data.close()
        super().close()
