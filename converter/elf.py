"""What the first 64 bytes of a file say: is it ELF, of which type, for which machine.

Cheap enough to ask of every file of an image. It reads no program header, so it cannot tell a
position-independent executable from a shared library; `kind` uses the name for that and says so.
The deep reading of the program's closure is `analyse`'s.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from posixpath import basename

from .model import Node, NodeType

HEADER_SIZE_BYTES = 64  # sizeof(Elf64_Ehdr), elf(5)

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
    if header is None:
        return None
    if header.type == "ET_EXEC":
        return "executable"
    if header.type != "ET_DYN":
        return "other"
    is_named_library = ".so" in basename(node.path)
    return "library" if is_named_library or not node.mode & 0o111 else "executable"
