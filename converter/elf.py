"""What the first 64 bytes of a file say: is it ELF, of which type, for which machine.

Cheap enough to ask of every file of an image. A kind comes from no program header, so it cannot
tell a position-independent executable from a shared library; `kind` uses the name for that and says
so. `loaded` lists what PT_LOAD loads, of a file that need not be honest. The deep reading of the
program's closure is `analyse`'s.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from posixpath import basename
from typing import BinaryIO

from .model import Node, NodeType

HEADER_SIZE_BYTES = 64  # sizeof(Elf64_Ehdr), elf(5)
_PROGRAM_TABLE = struct.Struct("<32xQ14xHH")  # Elf64_Ehdr: e_phoff, e_phentsize, e_phnum
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_PT_LOAD, _PF_X = 1, 1

# e_machine, elf(5) and the gABI registry; the ones container images are published for.
_MACHINES = {
    3: "i386", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64",
    258: "loongarch64",
}  # fmt: skip
_TYPES = {1: "ET_REL", 2: "ET_EXEC", 3: "ET_DYN", 4: "ET_CORE"}


@dataclass(frozen=True, slots=True)
class ElfHeader:
    """The part of Elf64_Ehdr that says whether a file can be run, and where."""

    type: str  # "ET_EXEC", "ET_DYN", "ET_REL", "ET_CORE", "type 9"
    machine: str  # "x86_64", "machine 9"
    is_64_bit: bool


def read_header(head: bytes) -> ElfHeader | None:
    """The ELF header in a file's first bytes; None when the file is not ELF."""
    if len(head) < HEADER_SIZE_BYTES or head[:4] != b"\x7fELF" or head[5] not in (1, 2):
        return None
    order = "<" if head[5] == 1 else ">"  # EI_DATA
    type_number, machine_number = struct.unpack_from(f"{order}HH", head, 16)
    return ElfHeader(
        type=_TYPES.get(type_number, f"type {type_number}"),
        machine=_MACHINES.get(machine_number, f"machine {machine_number}"),
        is_64_bit=head[4] == 2,  # EI_CLASS
    )


@dataclass(frozen=True, slots=True)
class Loaded:
    """Where in a file a segment's bytes are."""

    offset: int
    size: int
    is_code: bool


def loaded(file: BinaryIO, file_size: int) -> Iterator[Loaded]:
    """Every PT_LOAD of a 64-bit little-endian file, as far as the file has it; nothing for another.
    All together are no larger than the file: what overlaps is cut, and said no more of."""
    head = file.read(HEADER_SIZE_BYTES)
    if len(head) < HEADER_SIZE_BYTES or head[:6] != b"\x7fELF\x02\x01":
        return
    place, entry_bytes, count = _PROGRAM_TABLE.unpack_from(head)
    if entry_bytes != _PROGRAM_HEADER.size or place >= file_size:
        return
    file.seek(place)
    table, left = file.read(_PROGRAM_HEADER.size * count), file_size
    for at in range(0, len(table) - _PROGRAM_HEADER.size + 1, _PROGRAM_HEADER.size):
        kind, flags, offset, _, _, size, _, _ = _PROGRAM_HEADER.unpack_from(table, at)
        if kind == _PT_LOAD and offset < file_size:
            size = min(size, file_size - offset, left)
            left -= size
            yield Loaded(offset, size, bool(flags & _PF_X))


def header_of(node: Node) -> ElfHeader | None:
    """The ELF header of a node; None for anything that is not an ELF regular file."""
    if node.type is not NodeType.FILE or node.content is None:
        return None
    if node.content.size < HEADER_SIZE_BYTES:
        return None
    with node.content.open() as file:
        return read_header(file.read(HEADER_SIZE_BYTES))


def kind(node: Node) -> str | None:
    """ "executable", "library" or "other"; None when not ELF.

    An ET_DYN file counts as a library when its name says `.so` or nobody may execute it.
    """
    header = header_of(node)
    return kind_of(node, header.type if header is not None else "")


def kind_of(node: Node, elf_type: str) -> str | None:
    """Of a node whose header says so; "" is no ELF file."""
    if not elf_type:
        return None
    if elf_type == "ET_EXEC":
        return "executable"
    if elf_type != "ET_DYN":
        return "other"
    is_named_library = ".so" in basename(node.path)
    return "library" if is_named_library or not node.mode & 0o111 else "executable"
