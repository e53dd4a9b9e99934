"""An ELF file of the closure: what its headers say, and who made it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .. import content_search, dynamic_file
from ..contents import digest_of
from ..dynamic_file import ElfError
from ..model import Content, ElfFile

__all__ = ["ElfError", "ReadElf", "read_elf"]

# Where panics say that the standard library's sources are, and what stands in .comment.
_RUST = (b"/rustc/", b"rustc version ")


@dataclass(frozen=True, slots=True)
class ReadElf:
    """An ELF file with what only this stage asks of it. Its content is read anew each time: all of
    a closure's together may be hundreds of megabytes."""

    file: ElfFile
    content: Content
    digest: str  # sha256, in hexadecimal
    joins_strings: bool  # its own lie end to end, as Go's and Rust's do

    @property
    def is_go(self) -> bool:
        return self.file.is_go

    @property
    def data(self) -> bytes:
        return self.content.read()

    def holds(self, word: str) -> bool:
        return content_search.holds(self.content, word.encode())

    def strings(self, pattern: re.Pattern[bytes]) -> list[str]:
        """What the pattern finds, each once and in order (`content_search.strings`)."""
        return content_search.strings(self.content, pattern)


def read_elf(path: str, content: Content) -> ReadElf:
    """ElfError when the file cannot be believed."""
    file = dynamic_file.read(path, content)
    joins_strings = file.is_go or bool(content_search.held(content, _RUST))
    return ReadElf(file, content, digest_of(content).hex(), joins_strings)
