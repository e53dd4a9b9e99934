"""An ELF file of the closure: what its headers say, and who made it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ..dynamic_file import ElfError, Reader
from ..model import Content, ElfFile

__all__ = ["ElfError", "ReadElf", "read_elf"]

# Where panics say that the standard library's sources are, and what stands in .comment.
_RUST = (b"/rustc/", b"rustc version ")


@dataclass(frozen=True, slots=True)
class ReadElf:
    """An ELF file with what only this stage asks of it."""

    file: ElfFile
    content: Content
    digest: str  # sha256, in hexadecimal
    is_go: bool
    joins_strings: bool  # its own lie end to end, as Go's and Rust's do

    @property
    def data(self) -> bytes:
        """Read anew: all of a closure's together may be hundreds of megabytes."""
        return self.content.read()


def read_elf(path: str, content: Content) -> ReadElf:
    """ElfError when the file cannot be believed."""
    data = content.read()
    reader = Reader(path, data)
    is_go = reader.is_go()
    joins_strings = is_go or any(mark in data for mark in _RUST)
    return ReadElf(reader.file(), content, hashlib.sha256(data).hexdigest(), is_go, joins_strings)
