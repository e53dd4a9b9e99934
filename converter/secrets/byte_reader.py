"""What a file of lengths and contents has in it, one after the other."""

from __future__ import annotations


class ByteReader:
    """Numbers have their highest byte first. Raises ValueError where the data ends too early."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise ValueError("it ends before what it tells of")
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self, size_bytes: int = 4) -> int:
        return int.from_bytes(self.take(size_bytes))

    def block(self, size_bytes: int = 4) -> bytes:
        """What has its length before it."""
        return self.take(self.number(size_bytes))

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._data)
