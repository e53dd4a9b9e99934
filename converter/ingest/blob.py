"""A layer's bytes: a range of some file, perhaps compressed, read as the uncompressed tar."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import LayerError, SourceError
from . import cache, limits

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_CHUNK_BYTES = 1 << 20


class Range(io.RawIOBase):
    """`size_bytes` of a file from `offset`, as a file of its own."""

    def __init__(self, path: Path, offset: int, size_bytes: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._offset = offset
        self._size_bytes = size_bytes
        self._position = 0

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
        data = os.pread(self._file.fileno(), wanted, self._offset + self._position)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

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


def uncompressed(blob: Blob, diff_id: str) -> Blob:
    """The same layer as a plain tar: itself, or its expansion kept in the cache under diff_id."""
    with blob.open() as file:
        magic = file.peek(4)[:4]
    if not magic.startswith((_GZIP_MAGIC, _ZSTD_MAGIC)):
        return blob
    kept = cache.path("layers", diff_id)
    if not kept.exists():
        with cache.writing(kept) as output:
            _require_same(_expand(blob, diff_id, output), diff_id)
    return Blob(kept, 0, kept.stat().st_size)


def _require_same(actual: str, diff_id: str) -> None:
    """Before the cache has it: a lying image must not spoil the honest one with this layer."""
    if actual != diff_id:
        raise LayerError(diff_id, "(whole layer)", f"its content has the digest {actual}")


def _expand(blob: Blob, diff_id: str, output: BinaryIO) -> str:
    """Write the expansion; its digest."""
    limit_bytes = min(limits.LAYER_BYTES, max(blob.size, 1 << 16) * limits.EXPANSION)
    state = hashlib.sha256()
    try:
        with blob.open() as file, _decompressor(file) as plain:
            while chunk := plain.read(_CHUNK_BYTES):
                output.write(chunk)
                state.update(chunk)
                if output.tell() > limit_bytes:
                    raise SourceError(
                        f"layer {diff_id} expands to more than {limit_bytes} bytes "
                        f"from {blob.size}: a decompression bomb"
                    )
    except (EOFError, OSError, zstd.ZstdError) as broken:
        raise SourceError(f"layer {diff_id} cannot be decompressed: {broken}") from broken
    return "sha256:" + state.hexdigest()


def _decompressor(file: io.BufferedReader) -> BinaryIO:
    if file.peek(4).startswith(_GZIP_MAGIC):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    return cast(BinaryIO, zstd.ZstdFile(file))
