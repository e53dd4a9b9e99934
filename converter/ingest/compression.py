"""What a layer or an archive can be compressed with, known by its first bytes and not by its name.

gzip is RFC 1952, zstd RFC 8878. Layers are one of these or plain (OCI image-spec layer.md); whole
archives may be bzip2's and xz's too, since `docker load` and skopeo take those.
"""

from __future__ import annotations

import bz2
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Mapping
from typing import BinaryIO, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAGIC_BYTES = 6  # as many as tell the kinds apart
# What decompressors say of damaged input; bzip2's says OSError.
BROKEN = (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError)

_INPUT_BYTES = 256 << 10
_AUTOMATIC_GZIP = 16 + zlib.MAX_WBITS  # zlib's manual, inflateInit2: a gzip header is expected
_XZ_MEMORY_BYTES = 128 << 20  # a dictionary of xz -9 takes 65 MiB


class GzipReader(io.RawIOBase):
    """The members of a gzip file one after the other, in large pieces: the standard library's
    reader takes 8 KiB at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._member = zlib.decompressobj(_AUTOMATIC_GZIP)
        self._input = b""
        self._is_begun = False  # the member

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        while self._feed():
            data = self._member.decompress(self._input, len(view))
            self._is_begun = True
            self._input = self._member.unconsumed_tail or self._member.unused_data
            if self._member.eof:
                self._member = zlib.decompressobj(_AUTOMATIC_GZIP)
                self._input = self._input.lstrip(b"\0")  # gzip(1) lets zeros follow a member
                self._is_begun = False
            if data:
                view[: len(data)] = data
                return len(data)
        return 0

    def _feed(self) -> bool:
        """Whether there is something left to decompress; EOFError in the middle of a member."""
        while not self._input:
            read = self._file.read(_INPUT_BYTES)
            if not read and self._is_begun:
                raise EOFError("it ends in the middle of compressed data")
            if not read:
                return False
            self._input = read if self._is_begun else read.lstrip(b"\0")
        return True


def _gzip(file: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, GzipReader(file))


def _zstd(file: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, zstd.ZstdFile(file))


def _bzip2(file: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, bz2.BZ2File(file))


class _XzReader(io.RawIOBase):
    """xz with bounded memory, which `lzma.LZMAFile` does not offer."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._state = lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        while not self._state.eof:
            wants = self._state.needs_input
            read = self._file.read(_INPUT_BYTES) if wants else b""
            if wants and not read:
                raise EOFError("it ends in the middle of compressed data")
            data = self._state.decompress(read, len(view))
            if data:
                view[: len(data)] = data
                return len(data)
        return 0


def _xz(file: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, _XzReader(file))


Opener = Callable[[BinaryIO], BinaryIO]
LAYER: Mapping[bytes, Opener] = {b"\x1f\x8b": _gzip, b"\x28\xb5\x2f\xfd": _zstd}
ARCHIVE: Mapping[bytes, Opener] = {**LAYER, b"BZh": _bzip2, b"\xfd7zXZ\0": _xz}


def opener(kinds: Mapping[bytes, Opener], begin: bytes) -> Opener | None:
    """What decompresses a file that begins so; None when it is not compressed."""
    return next((one for magic, one in kinds.items() if begin.startswith(magic)), None)
