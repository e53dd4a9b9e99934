"""An ELF file of the closure: what its headers say, and what its code gives syscall(2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from ..dynamic_file import ElfError, Reader
from ..model import Content, ElfFile
from .system_call_numbers import Code, numbers_given

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
    file = reader.file()
    if "syscall" in file.imports:
        file = replace(file, named_calls=_named_calls(reader))
    is_go = reader.is_go()
    joins_strings = is_go or any(mark in data for mark in _RUST)
    return ReadElf(file, content, hashlib.sha256(data).hexdigest(), is_go, joins_strings)


def _named_calls(reader: Reader) -> frozenset[int]:
    """System call numbers that its code may give syscall(2)."""
    return numbers_given([Code(*one) for one in reader.code()], reader.slots(b"syscall"))
