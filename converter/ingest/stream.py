"""A layer's plain tar, read once and forwards: hashed, and copied where it is to be kept, as it
passes. Reading, decompressing and hashing each have a thread; the order of the bytes stays.

`tarfile` reads it as a file that it can seek in: it seeks only forwards in an honest tar.
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO

from . import limits

_CHUNK_BYTES = 1 << 20
_AHEAD = 4  # chunks that a thread may be ahead or behind; all of them are in memory


class TooLongError(Exception):
    """There is more of it than there may be."""


class Digester:
    """Hashes chunks, and writes them to `copy`, behind the back of who gives them."""

    def __init__(self, copy: BinaryIO | None) -> None:
        self._state = hashlib.sha256()
        self._copy = copy
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._waiting: deque[Future[None]] = deque()

    def take(self, chunk: bytes) -> None:
        self._waiting.append(self._worker.submit(self._digest, chunk))
        if len(self._waiting) > _AHEAD:
            self._waiting.popleft().result()

    def digest(self) -> str:
        """Of all that was taken; OSError when the copy could not be written."""
        while self._waiting:
            self._waiting.popleft().result()
        return "sha256:" + self._state.hexdigest()

    def close(self) -> None:
        self._worker.shutdown(cancel_futures=True)

    def _digest(self, chunk: bytes) -> None:
        self._state.update(chunk)
        if self._copy is not None:
            self._copy.write(chunk)


class ReadAhead:
    """The chunks of a file, the next ones being read while one is used."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._coming = deque(self._ask() for _ in range(_AHEAD))

    def next(self) -> bytes:
        """Empty at the end, and from then on."""
        self._coming.append(self._ask())
        return self._coming.popleft().result()

    def close(self) -> None:
        self._worker.shutdown(cancel_futures=True)

    def _ask(self) -> Future[bytes]:
        return self._worker.submit(self._read)

    def _read(self) -> bytes:
        return self._file.read(_CHUNK_BYTES)


class LayerStream:
    """What `tarfile` is given. ValueError where no honest tar leads: backwards, or to headers
    larger than headers are; TooLongError past `limit_bytes`. `on_chunk` is called for each that
    came."""

    def __init__(
        self,
        file: BinaryIO,
        limit_bytes: int,
        on_chunk: Callable[[], None],
        copy: BinaryIO | None = None,
    ) -> None:
        self._chunks = ReadAhead(file)
        self._on_chunk = on_chunk
        self._digester = Digester(copy)
        self._limit_bytes = limit_bytes
        self._chunk = memoryview(b"")
        self._begin = 0  # of the chunk, in the stream
        self._position = 0
        self.last_block = b""  # read by tarfile: the header that ended it, if one did
        self.expect_header(0)

    def __enter__(self) -> LayerStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._chunks.close()
        self._digester.close()

    def expect_header(self, offset: int) -> None:
        """Headers begin at `offset`. tarfile would hold a PAX record of any length in memory."""
        self._header_end: float = offset + limits.HEADER_BYTES

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> int:
        if position < self._position:
            raise ValueError("a size that leads backwards")
        self.skip_to(position)
        return self._position

    def skip_to(self, position: int) -> bool:
        """Whether there is that much."""
        while self._position < position:
            left = self._begin + len(self._chunk) - self._position
            if not left and not self._advance():
                return False
            self._position = min(position, self._begin + len(self._chunk))
        return True

    def read(self, size_bytes: int) -> bytes:
        if size_bytes < 0:
            raise ValueError("a negative size")
        if self._position + size_bytes > self._header_end:
            raise ValueError(f"headers of more than {limits.HEADER_BYTES} bytes")
        data = self._take(size_bytes)
        while len(data) < size_bytes and self._advance():
            data += self._take(size_bytes - len(data))
        self.last_block = data
        return data

    def finish(self) -> tuple[str, int]:
        """The digest and size of all of it."""
        self._header_end = math.inf
        while self._advance():
            pass
        self._position = self._begin
        return self._digester.digest(), self._begin

    def _take(self, size_bytes: int) -> bytes:
        begin = self._position - self._begin
        data = bytes(self._chunk[begin : begin + size_bytes])
        self._position += len(data)
        return data

    def _advance(self) -> bool:
        """Make the next chunk the one that is read from."""
        chunk = self._chunks.next()
        self._begin += len(self._chunk)
        self._chunk = memoryview(chunk)
        if self._begin + len(chunk) > self._limit_bytes:
            raise TooLongError
        if chunk:
            self._digester.take(chunk)
            self._on_chunk()
        return bool(chunk)
