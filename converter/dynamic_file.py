"""Read the part of an ELF file that its dynamic linker reads: program headers, PT_DYNAMIC, notes.

Section headers are not used, so a file stripped of them reads the same (gABI § Program Loading,
§ Dynamic Linking). The file is believed in nothing: every offset is checked against its end, every
table has a bound, and whatever does not fit is an ElfError with the file's name. 64-bit
little-endian only; versions of symbols (GNU_VERSION) are not read, and of relocations only which
symbol is at which address.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from . import elf
from .content_search import held
from .errors import SourceError
from .model import Content, ElfFile

_EHDR_PHOFF, _EHDR_PHENTSIZE = 32, 54  # offsets in Elf64_Ehdr, elf(5)
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")  # p_type p_flags p_offset p_vaddr p_paddr p_filesz …
_DYNAMIC_ENTRY = struct.Struct("<qQ")
_SYMBOL = struct.Struct("<IBBHQQ")  # st_name st_info st_other st_shndx st_value st_size

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_PT_GNU_STACK, _PT_GNU_RELRO = 0x6474E551, 0x6474E552
_PF_X = 1
_DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ = 1, 4, 5, 6, 10
_DT_SONAME, _DT_RPATH, _DT_RUNPATH, _DT_GNU_HASH = 14, 15, 29, 0x6FFFFEF5
_DT_BIND_NOW, _DT_FLAGS, _DT_FLAGS_1, _DF_BIND_NOW, _DF_1_NOW = 24, 30, 0x6FFFFFFB, 8, 1

_GO_BUILD_INFO = b"\xff Go buildinf:"  # Go's debug/buildinfo
# What a function with a canary calls (gcc(1), -fstack-protector), imported or its own.
_CANARY = b"stack_chk_fail"

_RELOCATION = struct.Struct("<QQq")  # r_offset r_info r_addend
_DT_RELA, _DT_RELASZ, _DT_JMPREL, _DT_PLTRELSZ = 7, 8, 23, 2
_MAXIMUM_RELOCATIONS = 1 << 20

# .note.gnu.property: type and name of the note, then properties (x86-64 psABI § 13.1).
_PT_GNU_PROPERTY = 0x6474E553
_PROPERTY_NOTE = b"\5\0\0\0GNU\0"  # NT_GNU_PROPERTY_TYPE_0
_PROPERTY = struct.Struct("<III")  # pr_type, pr_datasz, and the first four bytes of the data
_FEATURE_1_AND, _FEATURE_IBT, _FEATURE_SHSTK = 0xC0000002, 1, 2

_MAXIMUM_DYNAMIC_ENTRIES = 4096
_MAXIMUM_IMPORTS = 1 << 17
_MAXIMUM_NAME_BYTES = 4096  # PATH_MAX, and longer than any symbol that is looked for here


class ElfError(SourceError):
    """An ELF file of the image is damaged."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: damaged ELF file: {problem}")


@dataclass(frozen=True, slots=True)
class _Segment:
    type: int
    flags: int
    offset: int
    address: int
    file_size: int


def read(path: str, content: Content) -> ElfFile:
    """The dynamic linker's view of one file; ElfError when the file cannot be believed."""
    with content.open() as file:
        reader = _Reader(path, file, content.size)
        return reader.file(held(content, (_GO_BUILD_INFO, _CANARY)))


def written_search_path(content: Content) -> tuple[str, ...]:
    """The directories of DT_RPATH and DT_RUNPATH, empty ones too: for glibc these are the working
    directory, unless nothing else is there; musl passes over them, and so does `read`."""
    with content.open() as file:
        reader = _Reader("", file, content.size)
        dynamic = reader.dynamic()
        values = (*reader.names(dynamic, _DT_RPATH), *reader.names(dynamic, _DT_RUNPATH))
        return tuple(dict.fromkeys(one for value in values if value for one in value.split(":")))


def _search_path(values: Iterator[str]) -> tuple[str, ...]:
    return tuple(directory for value in values for directory in value.split(":") if directory)


def _is_bound_now(tags: Mapping[int, int]) -> bool:
    """All it takes from others is looked up before it runs: ld(1), -z now."""
    return (
        _DT_BIND_NOW in tags
        or bool(tags.get(_DT_FLAGS, 0) & _DF_BIND_NOW)
        or bool(tags.get(_DT_FLAGS_1, 0) & _DF_1_NOW)
    )


def _property(properties: bytes, wanted: int) -> int:
    at = 0
    while at + _PROPERTY.size <= len(properties):
        kind, size, value = _PROPERTY.unpack_from(properties, at)
        if kind == wanted and size == 4:
            return int(value)
        at += 8 + size + -size % 8
    return 0


class _Reader:
    """Bounded access to one file's bytes: what is not asked for is not in memory."""

    def __init__(self, path: str, file: BinaryIO, size_bytes: int) -> None:
        head = file.read(elf.HEADER_SIZE_BYTES)
        header = elf.read_header(head)
        if header is None:
            raise ElfError(path, "no ELF header")
        if header.machine != "x86_64" or not header.is_64_bit or head[5] != 1:
            raise ElfError(path, f"for {header.machine}, not 64-bit little-endian x86_64")
        self._path = path
        self._file = file
        self._size_bytes = size_bytes
        self._header = header
        self._segments = tuple(self._program_headers())

    def file(self, marks: Container[bytes]) -> ElfFile:
        """`marks` are those words that are anywhere in it."""
        dynamic, is_go = self.dynamic(), _GO_BUILD_INFO in marks
        features = self.features()
        return ElfFile(
            path=self._path,
            type=self._header.type,
            machine=self._header.machine,
            interpreter=self.interpreter(),
            needed=tuple(self.names(dynamic, _DT_NEEDED)),
            runpath=_search_path(self.names(dynamic, _DT_RUNPATH)),
            rpath=_search_path(self.names(dynamic, _DT_RPATH)),
            soname=next(self.names(dynamic, _DT_SONAME), None),
            is_executable_stack=self.is_executable_stack(),
            relro=self.relro(dynamic),
            is_bound_lazily=bool(dynamic) and not _is_bound_now(dict(dynamic)),
            has_canary=_CANARY in marks,
            has_branch_tracking=bool(features & _FEATURE_IBT),
            has_shadow_stack=bool(features & _FEATURE_SHSTK),
            imports=frozenset(self.imports(dynamic)),
            is_go=is_go,
            is_self_contained=not dynamic or is_go,
        )

    def features(self) -> int:
        """GNU_PROPERTY_X86_FEATURE_1_AND of .note.gnu.property (x86-64 psABI § 13.1); what is no
        such note says of none."""
        for segment in self._segments:
            if segment.type == _PT_GNU_PROPERTY:
                note = self._bytes(segment.offset, segment.file_size, "PT_GNU_PROPERTY")
                if note[8:16] == _PROPERTY_NOTE:
                    return _property(note[16:], _FEATURE_1_AND)
        return 0

    def _program_headers(self) -> Iterator[_Segment]:
        (offset,) = self._unpack(struct.Struct("<Q"), _EHDR_PHOFF)
        size, count = self._unpack(struct.Struct("<HH"), _EHDR_PHENTSIZE)
        if count and size != _PROGRAM_HEADER.size:
            raise ElfError(self._path, f"e_phentsize is {size}, not {_PROGRAM_HEADER.size}")
        for index in range(count):
            fields = self._unpack(_PROGRAM_HEADER, offset + index * size)
            yield _Segment(fields[0], fields[1], fields[2], fields[3], fields[5])

    def interpreter(self) -> str | None:
        segment = self._segment(_PT_INTERP)
        if segment is None:
            return None
        name = self._bytes(segment.offset, segment.file_size, "PT_INTERP").split(b"\0")[0]
        return self._text(name, "PT_INTERP")

    def is_executable_stack(self) -> bool:
        """PT_GNU_STACK with PF_X; without the header Linux gives x86-64 a plain stack."""
        segment = self._segment(_PT_GNU_STACK)
        return segment is not None and bool(segment.flags & _PF_X)

    def relro(self, dynamic: tuple[tuple[int, int], ...]) -> str:
        """How much of what the dynamic linker fills in is read-only then: "full" with what it fills
        in at the first call too (ld(1), -z relro and -z now), "partial" or "none"."""
        if self._segment(_PT_GNU_RELRO) is None:
            return "none"
        return "full" if not dynamic or _is_bound_now(dict(dynamic)) else "partial"

    def dynamic(self) -> tuple[tuple[int, int], ...]:
        """The (d_tag, d_un) pairs of PT_DYNAMIC up to DT_NULL; empty for a static file."""
        segment = self._segment(_PT_DYNAMIC)
        if segment is None:
            return ()
        entries: list[tuple[int, int]] = []
        for index in range(min(segment.file_size // _DYNAMIC_ENTRY.size, _MAXIMUM_DYNAMIC_ENTRIES)):
            tag, value = self._unpack(_DYNAMIC_ENTRY, segment.offset + index * _DYNAMIC_ENTRY.size)
            if tag == 0:
                return tuple(entries)
            entries.append((tag, value))
        raise ElfError(self._path, "PT_DYNAMIC does not end in DT_NULL")

    def names(self, dynamic: tuple[tuple[int, int], ...], tag: int) -> Iterator[str]:
        """The strings that every entry with this tag names."""
        values = [value for entry_tag, value in dynamic if entry_tag == tag]
        if not values:
            return
        table = self._string_table(dynamic)
        for value in values:
            yield self._text(self._string(table, value), f"dynamic tag {tag}")

    def imports(self, dynamic: tuple[tuple[int, int], ...]) -> Iterator[str]:
        """Names of the undefined dynamic symbols."""
        tags = dict(dynamic)
        if _DT_SYMTAB not in tags:
            return
        table = self._string_table(dynamic)
        offset = self._file_offset(tags[_DT_SYMTAB])
        # A hash table without symbols tells too little; what relocations name is there too.
        named = max((symbol for _, symbol in self._relocations(tags)), default=0) + 1
        count = min(max(self._symbol_count(tags), named), _MAXIMUM_IMPORTS)
        symbols = self._bytes(offset, count * _SYMBOL.size, "DT_SYMTAB")
        for name, _, _, section, _, _ in _SYMBOL.iter_unpack(symbols):
            if section == 0 and name:  # SHN_UNDEF
                yield self._string(table, name).decode("utf-8", "replace")

    def _relocations(self, tags: Mapping[int, int]) -> Iterator[tuple[int, int]]:
        """The address and the symbol's index of every relocation, of the PLT too."""
        for table, size in ((_DT_RELA, _DT_RELASZ), (_DT_JMPREL, _DT_PLTRELSZ)):
            if table not in tags:
                continue
            count = min(tags.get(size, 0) // _RELOCATION.size, _MAXIMUM_RELOCATIONS)
            data = self._bytes(
                self._file_offset(tags[table]), count * _RELOCATION.size, "relocations"
            )
            for address, info, _ in _RELOCATION.iter_unpack(data):
                yield address, info >> 32

    def _symbol_count(self, tags: dict[int, int]) -> int:
        """How many symbols can be undefined: DT_GNU_HASH leaves those out and puts them first."""
        if _DT_GNU_HASH in tags:
            table = self._file_offset(tags[_DT_GNU_HASH])
            return int(self._unpack(struct.Struct("<II"), table)[1])  # symoffset
        if _DT_HASH in tags:
            table = self._file_offset(tags[_DT_HASH])
            return int(self._unpack(struct.Struct("<II"), table)[1])  # nchain, gABI § Hash Table
        return 0

    def _string_table(self, dynamic: tuple[tuple[int, int], ...]) -> bytes:
        tags = dict(dynamic)
        if _DT_STRTAB not in tags or _DT_STRSZ not in tags:
            raise ElfError(self._path, "dynamic section without DT_STRTAB or DT_STRSZ")
        return self._bytes(self._file_offset(tags[_DT_STRTAB]), tags[_DT_STRSZ], "DT_STRTAB")

    def _string(self, table: bytes, index: int) -> bytes:
        if index >= len(table):
            raise ElfError(self._path, f"string {index} is outside DT_STRTAB ({len(table)} bytes)")
        end = table.find(b"\0", index, index + _MAXIMUM_NAME_BYTES)
        if end < 0:
            raise ElfError(self._path, f"string {index} of DT_STRTAB does not end")
        return table[index:end]

    def _segment(self, segment_type: int) -> _Segment | None:
        return next((s for s in self._segments if s.type == segment_type), None)

    def _file_offset(self, address: int) -> int:
        """Where in the file an address of the loaded image lies."""
        for segment in self._segments:
            if segment.type != _PT_LOAD:
                continue
            if segment.address <= address < segment.address + segment.file_size:
                return segment.offset + address - segment.address
        raise ElfError(self._path, f"address {address:#x} is in no PT_LOAD")

    def _unpack(self, layout: struct.Struct, offset: int) -> tuple[int, ...]:
        return layout.unpack(self._bytes(offset, layout.size, f"table at offset {offset}"))

    def _bytes(self, offset: int, size: int, what: str) -> bytes:
        if offset + size > self._size_bytes:
            raise ElfError(self._path, f"{what} runs past the end of the file")
        self._file.seek(offset)
        return self._file.read(size)

    def _text(self, raw: bytes, what: str) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as problem:
            raise ElfError(self._path, f"{what} is not text") from problem
