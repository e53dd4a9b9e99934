"""The application's memory as far as a record carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Memory:
    """Pieces of memory by their addresses; what was recorded last is on top."""

    def __init__(self, pieces: Mapping[int, bytes] | None = None) -> None:
        self._pieces = dict(pieces or {})

    def read(self, address: int, size_bytes: int) -> bytes | None:
        """All of `size_bytes`, or None."""
        data = self.read_some(address, size_bytes)
        return data if len(data) == size_bytes else None

    def read_some(self, address: int, size_bytes: int) -> bytes:
        """As much as is known from `address` on."""
        best = b""
        for start, data in self._pieces.items():
            offset = address - start
            if 0 <= offset < len(data):
                found = data[offset : offset + size_bytes]
                best = found if len(found) > len(best) else best
        return best

    def words(self, address: int, count: int) -> Sequence[int] | None:
        """`count` 64-bit words."""
        data = self.read(address, 8 * count)
        if data is None:
            return None
        return [int.from_bytes(data[at : at + 8], "little") for at in range(0, 8 * count, 8)]

    def string(self, address: int) -> bytes | None:
        """A NUL-terminated string, without its NUL; None when its beginning is not known."""
        data = self._pieces.get(address)
        return None if data is None else data.partition(b"\0")[0]

    def is_ended_string(self, address: int) -> bool:
        return b"\0" in self._pieces.get(address, b"")
