"""What of an ELF file its loaded image tells: code, symbols, relocations, and where functions are.

Program headers and PT_DYNAMIC come first, so a stripped file reads too; .symtab is used where it is
there. Ranges of functions come from PT_GNU_EH_FRAME's table and the frame descriptions behind it
(LSB Core § Exception Frames). A file that is not as it should be is a ValueError or a
struct.error; call frame instructions are not read, and versions of symbols make no difference here:
a name is bound to everything that defines it.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_PHDR = struct.Struct("<IIQQQQQQ")
_SHDR = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELA = struct.Struct("<QQq")
_DYNAMIC = struct.Struct("<qQ")
_WORD = struct.Struct("<Q")

_PT_LOAD, _PT_DYNAMIC, _PT_GNU_EH_FRAME = 1, 2, 0x6474E550
_PF_X = 1
_ET_EXEC = 2
_SHT_SYMTAB = 2
_STT_FUNC, _STT_GNU_IFUNC = 2, 10
_DT_PLTRELSZ, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_RELA, _DT_RELASZ, _DT_STRSZ = (
    2,
    4,
    5,
    6,
    7,
    8,
    10,
)
_DT_INIT, _DT_FINI, _DT_JMPREL = 12, 13, 23
_DT_RELRSZ, _DT_RELR, _DT_GNU_HASH = 35, 36, 0x6FFFFEF5
_R_64, _R_GLOB_DAT, _R_JUMP_SLOT, _R_RELATIVE, _R_IRELATIVE = 1, 6, 7, 8, 37
_DW_EH_PE_DATAREL_SDATA4, _DW_EH_PE_PCREL_SDATA4, _DW_EH_PE_UDATA4 = 0x3B, 0x1B, 0x03
_MAXIMUM_SYMBOLS = 1 << 20


@dataclass(frozen=True, slots=True)
class Segment:
    """What PT_LOAD puts at an address, as far as the file has it."""

    address: int
    data: bytes
    is_code: bool

    @property
    def end(self) -> int:
        return self.address + len(self.data)


@dataclass(frozen=True, slots=True)
class Symbol:
    name: str
    address: int
    is_function: bool
    is_defined: bool


@dataclass(frozen=True, slots=True)
class _Relocation:
    address: int
    type: int
    symbol: int
    addend: int


class ElfImage:
    """One file, read as the dynamic linker and the unwinder read it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        header = _EHDR.unpack_from(data)
        self.is_fixed = header[1] == _ET_EXEC
        self.entry: int = header[4]
        self._sections = (header[6], header[11], header[12])
        headers = [
            _PHDR.unpack_from(data, header[5] + index * _PHDR.size) for index in range(header[10])
        ]
        self.segments = tuple(
            Segment(address, data[offset : offset + size], bool(flags & _PF_X))
            for kind, flags, offset, address, _, size, _, _ in headers
            if kind == _PT_LOAD
        )
        # The headers hold addresses of segments, which nobody calls.
        self._headers_end = min((one.address for one in self.segments), default=0) + (
            header[5] + header[10] * _PHDR.size
        )
        self.code = tuple(segment for segment in self.segments if segment.is_code)
        self._code_bounds = tuple((segment.address, segment.end) for segment in self.code)
        self._frames = next((one[3] for one in headers if one[0] == _PT_GNU_EH_FRAME), None)
        dynamic = next((one for one in headers if one[0] == _PT_DYNAMIC), None)
        self.is_dynamic = dynamic is not None
        self._tags = self._read_tags(dynamic[2], dynamic[5]) if dynamic is not None else {}

    def _read_tags(self, offset: int, size: int) -> dict[int, int]:
        found: dict[int, int] = {}
        for at in range(offset, offset + size - _DYNAMIC.size + 1, _DYNAMIC.size):
            tag, value = _DYNAMIC.unpack_from(self._data, at)
            if tag == 0:
                break
            found.setdefault(tag, value)
        return found

    def bytes_at(self, address: int, size: int) -> bytes:
        """Fewer, or none, where the file holds no more."""
        for segment in self.segments:
            if segment.address <= address < segment.end:
                at = address - segment.address
                return segment.data[at : at + size]
        return b""

    def is_code(self, address: int) -> bool:
        for start, end in self._code_bounds:  # noqa: SIM110  asked millions of times: no any()
            if start <= address < end:
                return True
        return False

    # -------------------------------------------------------------- symbols

    @cached_property
    def dynamic_symbols(self) -> tuple[Symbol, ...]:
        if _DT_SYMTAB not in self._tags:
            return ()
        strings = self.bytes_at(self._tags[_DT_STRTAB], self._tags[_DT_STRSZ])
        # A hash table without symbols (ld writes one for a program that exports nothing) tells too
        # little; what relocations name is there too.
        named = max((one.symbol for one in self._relocations), default=0) + 1
        size = min(max(self._symbol_count(), named), _MAXIMUM_SYMBOLS) * _SYMBOL.size
        return tuple(_symbols(self.bytes_at(self._tags[_DT_SYMTAB], size), strings))

    @cached_property
    def names(self) -> tuple[int, int]:
        """Where the names of dynamic symbols are: address and size."""
        return self._tags.get(_DT_STRTAB, 0), self._tags.get(_DT_STRSZ, 0)

    def _symbol_count(self) -> int:
        if _DT_HASH in self._tags:  # gABI § Hash Table: nchain
            return int(struct.unpack("<II", self.bytes_at(self._tags[_DT_HASH], 8))[1])
        if _DT_GNU_HASH not in self._tags:
            return 0
        return self._gnu_symbol_count(self._tags[_DT_GNU_HASH])

    def _gnu_symbol_count(self, table: int) -> int:
        """The chains end in a value with bit 0 set; the last symbol is in the last chain."""
        buckets, first, words, _ = struct.unpack("<IIII", self.bytes_at(table, 16))
        heads = self.bytes_at(table + 16 + 8 * words, 4 * buckets)
        last = max((head for (head,) in struct.iter_unpack("<I", heads)), default=0)
        if last < first:
            return int(first)
        chains = table + 16 + 8 * words + 4 * buckets
        while not self.bytes_at(chains + 4 * (last - first), 1)[0] & 1:
            last += 1
        return int(last) + 1

    @cached_property
    def static_symbols(self) -> tuple[Symbol, ...]:
        """.symtab, where it was not stripped."""
        offset, size, count = self._sections
        if size != _SHDR.size or offset + size * count > len(self._data):
            return ()
        sections = [_SHDR.unpack_from(self._data, offset + size * index) for index in range(count)]
        found: list[Symbol] = []
        for section in sections:
            if section[1] == _SHT_SYMTAB and section[6] < count:
                strings = sections[section[6]]
                found += _symbols(
                    self._data[section[4] : section[4] + section[5]],
                    self._data[strings[4] : strings[4] + strings[5]],
                )
        return tuple(found)

    # -------------------------------------------------------------- relocations

    @cached_property
    def _relocations(self) -> tuple[_Relocation, ...]:
        found: list[_Relocation] = []
        for table, size in ((_DT_RELA, _DT_RELASZ), (_DT_JMPREL, _DT_PLTRELSZ)):
            data = self.bytes_at(self._tags.get(table, 0), self._tags.get(size, 0))
            whole = data[: len(data) // _RELA.size * _RELA.size]
            for address, info, addend in _RELA.iter_unpack(whole):
                found.append(_Relocation(address, info & 0xFFFFFFFF, info >> 32, addend))
        return (*found, *self._static_relocations()) if not self.is_dynamic else tuple(found)

    def _static_relocations(self) -> Iterator[_Relocation]:
        """A static program's only ones choose implementations at start: sections of SHT_RELA."""
        offset, size, count = self._sections
        if size != _SHDR.size or offset + size * count > len(self._data):
            return
        for index in range(count):
            section = _SHDR.unpack_from(self._data, offset + size * index)
            if section[1] == 4 and section[2] & 2:  # SHT_RELA, SHF_ALLOC
                data = self._data[section[4] : section[4] + section[5]]
                for address, info, addend in _RELA.iter_unpack(data):
                    yield _Relocation(address, info & 0xFFFFFFFF, info >> 32, addend)

    @cached_property
    def slots(self) -> dict[int, str]:
        """Where the address of a symbol will be stored -> its name."""
        symbols = self.dynamic_symbols
        return {
            one.address: symbols[one.symbol].name
            for one in self._relocations
            if one.type in (_R_64, _R_GLOB_DAT, _R_JUMP_SLOT) and 0 < one.symbol < len(symbols)
        }

    @cached_property
    def named_pointers(self) -> frozenset[str]:
        """Symbols whose address is stored in data, for whoever reads it there."""
        symbols = self.dynamic_symbols
        return frozenset(
            symbols[one.symbol].name
            for one in self._relocations
            if one.type == _R_64 and 0 < one.symbol < len(symbols)
        )

    @cached_property
    def resolvers(self) -> dict[int, int]:
        """Slots that a function fills at start (R_X86_64_IRELATIVE) -> that function."""
        return {one.address: one.addend for one in self._relocations if one.type == _R_IRELATIVE}

    def pointers(self) -> Iterator[int]:
        """Addresses that data holds, once relocated; where nothing is, every word may be one."""
        for one in self._relocations:
            if one.type in (_R_RELATIVE, _R_IRELATIVE):
                yield one.addend
        yield from self._packed_pointers()
        for tag in (_DT_INIT, _DT_FINI):
            if tag in self._tags:
                yield self._tags[tag]
        if self.is_fixed:
            yield from self._words()

    def _packed_pointers(self) -> Iterator[int]:
        """DT_RELR: an address, then bitmaps of the 63 words that follow (gABI § Relocation)."""
        data = self.bytes_at(self._tags.get(_DT_RELR, 0), self._tags.get(_DT_RELRSZ, 0))
        place = 0
        for (entry,) in _WORD.iter_unpack(data[: len(data) // 8 * 8]):
            if entry & 1 == 0:
                places: Iterable[int] = (entry,)
                place = entry + 8
            else:
                places = [place + 8 * bit for bit in range(63) if entry >> (bit + 1) & 1]
                place += 63 * 8
            for one in places:
                word = self.bytes_at(one, 8)
                if len(word) == 8:
                    yield _WORD.unpack(word)[0]

    def _words(self) -> Iterator[int]:
        lowest = min((segment.address for segment in self.code), default=0)
        highest = max((segment.end for segment in self.code), default=0)
        for segment in self.segments:
            if segment.is_code:
                continue
            begin = max(segment.address, self._headers_end if segment is self.segments[0] else 0)
            shift = begin + -begin % 8 - segment.address
            data = segment.data[shift : shift + (len(segment.data) - shift) // 8 * 8]
            for (word,) in _WORD.iter_unpack(data):
                if lowest <= word < highest:
                    yield word

    # -------------------------------------------------------------- functions

    @cached_property
    def frames(self) -> tuple[tuple[int, int], ...]:
        """Begin and end of what each frame description covers, in order; no overlaps."""
        if self._frames is None:
            return ()
        head = self.bytes_at(self._frames, 12)
        encodings = (_DW_EH_PE_PCREL_SDATA4, _DW_EH_PE_UDATA4, _DW_EH_PE_DATAREL_SDATA4)
        if len(head) < 12 or tuple(head[1:4]) != encodings:
            return ()
        (count,) = struct.unpack_from("<I", head, 8)
        table = self.bytes_at(self._frames + 12, 8 * count)
        found: list[tuple[int, int]] = []
        for begin, description in sorted(struct.iter_unpack("<ii", table[: len(table) // 8 * 8])):
            start = self._frames + begin
            # length, CIE pointer, initial location, range: in four bytes each, as ld writes it.
            end = start + self._range(self._frames + description)
            if found and start < found[-1][1]:
                found[-1] = (found[-1][0], max(end, found[-1][1]))
            elif end > start and self.is_code(start):
                found.append((start, end))
        return tuple(found)

    def _range(self, description: int) -> int:
        data = self.bytes_at(description, 16)
        return int(struct.unpack_from("<I", data, 12)[0]) if len(data) == 16 else 0

    def gaps(self) -> Iterator[tuple[int, int]]:
        """Code that no frame description covers."""
        starts = [start for start, _ in self.frames]
        for segment in self.code:
            at = segment.address
            first = bisect_right(starts, at - 1)
            for start, end in self.frames[first:]:
                if start >= segment.end:
                    break
                if start > at:
                    yield at, start
                at = max(at, end)
            if at < segment.end:
                yield at, segment.end


def _symbols(table: bytes, strings: bytes) -> Iterator[Symbol]:
    for name, info, _, section, value, _ in _SYMBOL.iter_unpack(
        table[: len(table) // _SYMBOL.size * _SYMBOL.size]
    ):
        end = strings.find(b"\0", name)
        text = strings[name:end].decode("utf-8", "replace")
        yield Symbol(text, value, info & 15 in (_STT_FUNC, _STT_GNU_IFUNC), section != 0)
