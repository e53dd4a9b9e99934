"""The page tables of a running guest, read from outside through QEMU's monitor.

What is mapped, and how, does not rest on the kernel's word: the tables are taken out of the
machine's memory and walked here (SDM vol. 3 § 4.5).
"""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PRESENT, WRITABLE, LARGE, NO_EXECUTE = 1 << 0, 1 << 1, 1 << 7, 1 << 63
ADDRESS = 0x000F_FFFF_FFFF_F000
ENTRIES = 512
TOP_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Page:
    """A page of any size, with the rights that every level on the way to it leaves."""

    start: int
    size_bytes: int
    is_writable: bool
    is_executable: bool


def pages(monitor: Path, memory_bytes: int, scratch: Path) -> list[Page]:
    """Every page the guest behind `monitor` (a Unix socket) has mapped at the moment."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(monitor))
        _answer(connection)
        connection.sendall(b"stop\n")
        _answer(connection)
        connection.sendall(b"info registers\n")
        found = re.search(r"CR3=([0-9a-f]+)", _answer(connection))
        assert found
        connection.sendall(f'pmemsave 0 {memory_bytes} "{scratch}"\n'.encode())
        _answer(connection)
    root = int(found[1], 16) & ADDRESS
    return list(_walk(scratch.read_bytes(), root, TOP_LEVEL, Page(0, 0, True, True)))


def _answer(connection: socket.socket) -> str:
    """What the monitor says, up to its next prompt."""
    text = ""
    deadline_s = time.monotonic() + 10
    while not text.endswith("(qemu) ") and time.monotonic() < deadline_s:
        text += connection.recv(65536).decode()
    return text


def _walk(memory: bytes, table: int, level: int, above: Page) -> Iterator[Page]:
    span = 4096 << (9 * level)
    for index, entry in enumerate(struct.unpack_from(f"<{ENTRIES}Q", memory, table)):
        if not entry & PRESENT:
            continue
        start = above.start + index * span
        if level == TOP_LEVEL and index >= ENTRIES // 2:
            start |= 0xFFFF << 48
        page = Page(
            start,
            span,
            above.is_writable and bool(entry & WRITABLE),
            above.is_executable and not entry & NO_EXECUTE,
        )
        if level == 0 or entry & LARGE:
            yield page
        else:
            yield from _walk(memory, entry & ADDRESS, level - 1, page)
