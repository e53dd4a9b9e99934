"""Cuts a file's code into pieces, and finds what each piece leads to.

A piece begins where something may enter: a frame description, a symbol, the target of a call, an
address that code or data takes. Where frame descriptions say where functions end, branches and
addresses are looked for as byte patterns at every offset: what is found beside the instructions
adds ways and takes none away, and costs a tenth of disassembly. Only a short jump from one function
to another's start is confirmed by disassembly. Code without frame descriptions, or that is entered
inside them, is disassembled whole.
"""

from __future__ import annotations

import re
import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain

from .branches import Branches, Span
from .decode import Instruction, decode, index_of
from .elf_image import ElfImage, Segment

# Opcodes alone, none of which overlap: a group with what follows would double the time.
_CALL = re.compile(rb"\xe8")  # call rel32
_JUMP = re.compile(rb"\xe9")  # jmp rel32
_CONDITIONAL = re.compile(rb"\x0f[\x80-\x8f]")  # jcc rel32
_SHORT = re.compile(rb"[\xeb\x70-\x7f\xe0-\xe3]")  # jmp, jcc, loop, jrcxz rel8
# ModR/M with mod 0 and r/m 5 is [rip + disp32]; whatever the instruction.
_RELATIVE = re.compile(rb"[\x05\x0d\x15\x1d\x25\x2d\x35\x3d]")
# What assemblers fill up to the next function with: int3, zeros, nop of one to many bytes.
_FILLING = re.compile(
    rb"(?:\xcc|\0|\x66*\x90|\x66*\x2e?\x0f\x1f(?:\0|\x40.|\x44\0.|\x80.{4}|\x84\0.{4}))*", re.DOTALL
)
_ROUNDS = 2  # of cutting at jumps: cutting makes more jumps go from piece to piece
_FUNCTION_ALIGNMENT = 16
_LEA = 0x8D
_WORD = struct.Struct("<i")
# Of one file: half a minute.
_MAXIMUM_DECODED_BYTES = 12 << 20
# Instructions of so much code are kept to be asked again: 60 MB of them.
_KEPT_BYTES = 1 << 20
_LONGEST_TABLE = 1 << 12
_BEHIND_ALL = 1 << 65

Range = tuple[int, int]  # first address, and the one behind the last


class Layout:
    """The pieces of one file, by index in address order."""

    def __init__(self, image: ElfImage) -> None:
        self._image = image
        gaps = (one for one in image.gaps() if not _is_filling(image, one))
        self._ranges = sorted([*image.frames, *gaps])
        self._range_starts = [start for start, _ in self._ranges]
        self._framed = frozenset(image.frames)
        self._decoded: dict[Range, tuple[Instruction, ...]] = {}
        self._kept_bytes = 0
        self._asked: set[Range] = set()  # what was decoded, whether it is kept or not
        self._asked_bytes = 0
        self._begins: dict[Range, array[int]] = {}  # of the instructions
        self._span = _span(image)
        self._calls = array("Q")  # packed, of code with frame descriptions
        self._branches = array("Q")  # packed, of other code
        self.references: list[tuple[int, str]] = []  # where a symbol's slot is used
        self._taken = array("Q")  # packed: where code takes the address of code
        self._tables = array("Q"), array("Q")  # where code takes the address of data, and of what
        self._functions: set[int] = set()  # starts that are more than the start of a range
        self._starts = set(self._range_starts)
        self._tried = set(self._range_starts)  # of `_functions`, those that were tried as starts
        self._find()
        self._cut()
        for _ in range(_ROUNDS):
            self._enter_by_jumps()
            self._cut()
        self.branches = Branches(self._span, self._between_pieces())
        taken = map(self._span.unpacked, self._taken)
        self.taken = sorted({(self.piece_at(source), self.piece_at(to)) for source, to in taken})

    # -------------------------------------------------------------- what others ask

    def piece_at(self, address: int) -> int:
        after = bisect_right(self.starts, address)  # asked millions of times: no max()
        return after - 1 if after else 0

    def bounds(self, piece: int) -> tuple[int, int]:
        start = self.starts[piece]
        return start, min(self._end(start), self._next_start(piece))

    def branches_into(self, piece: int) -> list[tuple[int, int]]:
        """From other pieces, and to its start from itself."""
        return self.branches.into(self.starts[piece] if piece else 0, self._next_start(piece))

    def holds(self, address: int) -> bool:
        return self._image.is_code(address)

    def is_framed(self, piece: int) -> bool:
        return self._range_at(self.starts[piece]) in self._framed

    def instructions(self, piece: int) -> tuple[Instruction, ...]:
        """Read from the piece's start: the bytes before it need not be an instruction's (a frame
        description may begin a byte early, for unwinders that look before a return address)."""
        return self._read(self.bounds(piece))

    def from_address(self, address: int) -> tuple[Instruction, ...]:
        """The rest of the piece from there on; nothing where no instruction begins."""
        instructions = self.instructions(self.piece_at(address))
        return instructions[at:] if (at := index_of(address, instructions)) is not None else ()

    def is_instruction(self, address: int, piece: int) -> bool:
        """Whether one begins there, read from the start of the range that the piece is cut from."""
        begins = self._begins_of(self._range_at(self.starts[piece]))
        at = bisect_left(begins, address)
        return at < len(begins) and begins[at] == address

    def table(self, table: int, piece: int) -> tuple[int, ...]:
        """Where a table of a switch in this piece leads: distances from it, as compilers write it,
        or, in a program at a fixed address, addresses. It ends where it would lead out of the
        function: into no code, or into another function, where that is not a part split off."""
        return tuple(self._entries(table, self._range_at(self.starts[piece])))

    def _entries(self, table: int, home: Range) -> Iterator[int]:
        data = self._image.bytes_at(table, 4 * _LONGEST_TABLE)
        for (distance,) in _WORD.iter_unpack(data[: len(data) // 4 * 4]):
            if not self._is_of(home, table + distance):
                break
            yield table + distance
        if self._image.is_fixed:
            data = self._image.bytes_at(table, 8 * _LONGEST_TABLE)
            for (address,) in struct.iter_unpack("<Q", data[: len(data) // 8 * 8]):
                if not self._is_of(home, address):
                    break
                yield address

    def _is_of(self, home: Range, target: int) -> bool:
        """Whether code may be a part of the function whose main part is there. Without frame
        descriptions nothing tells where functions end."""
        if not self._image.is_code(target):
            return False
        there = self._range_at(target)
        return there == home or there[0] not in self._functions

    # -------------------------------------------------------------- finding

    def _find(self) -> None:
        image = self._image
        symbols = (*image.dynamic_symbols, *image.static_symbols)
        self._enter(one.address for one in symbols if one.is_defined and one.is_function)
        self._enter((image.entry, *image.pointers()))
        for segment in image.code:
            self._find_patterns(segment)
            if image.is_fixed:
                self._find_immediates(segment)
        for one in self._ranges:
            if one not in self._framed:
                self._find_decoded(one)

    def _enter(self, addresses: Iterable[int]) -> None:
        self._functions.update(one for one in addresses if self._image.is_code(one))

    def _find_patterns(self, segment: Segment) -> None:
        for at, target in _targets(segment, _CALL, 1):
            if self._image.is_code(target) and self._is_framed(at):
                self._calls.append(self._span.packed(at, target))
                self._functions.add(target)
        slots = self._image.slots
        resolvers = self._image.resolvers
        for at, target in _targets(segment, _RELATIVE, 1):
            if target in slots:
                self.references.append((at - 1, slots[target]))
                self._enter_stub(segment, at - segment.address)
            elif target in resolvers:
                self._take(at - 1, resolvers[target])
            elif segment.data[at - segment.address - 1] == _LEA:
                self._take(at - 1, target)

    def _enter_stub(self, segment: Segment, at: int) -> None:
        """A stub of the PLT is a function, though one frame description covers all: jmp *slot with
        what may stand before it, endbr64 and bnd."""
        if segment.data[at - 1 : at + 1] != b"\xff\x25":
            return
        begin = at - 1
        begin -= segment.data[begin - 1 : begin] == b"\xf2"
        begin -= 4 * (segment.data[begin - 4 : begin] == b"\xf3\x0f\x1e\xfa")
        self._functions.add(segment.address + begin)

    def _take(self, source: int, target: int) -> None:
        """Code takes an address: of code, or of data that may be a table that leads to code."""
        if self._image.is_code(target):
            self._functions.add(target)
            self._taken.append(self._span.packed(source, target))
        elif self._image.bytes_at(target, 1):
            for column, address in zip(self._tables, (source, target), strict=True):
                column.append(address)

    def _find_immediates(self, segment: Segment) -> None:
        """A program at a fixed address takes addresses as 32-bit constants. Any four bytes may be
        one where they are known to begin a function, or follow the opcode of such a mov or push."""
        highest = segment.end >> 16
        bytes_of_third = bytes({page & 0xFF for page in range(segment.address >> 16, highest + 1)})
        tops = bytes({page >> 8 & 0xFF for page in range(segment.address >> 16, highest + 1)})
        third, top = (b"[" + re.escape(one) + b"]" for one in (bytes_of_third, tops))
        pattern = re.compile(b"(?=(.." + third + top + b"))", re.DOTALL)
        for found in pattern.finditer(segment.data):
            at = found.start()
            target = int.from_bytes(found[1], "little")
            opcode = segment.data[at - 1] if at else 0
            is_constant = 0xB8 <= opcode <= 0xBF or opcode == 0x68 or 0xC0 <= opcode <= 0xC7
            is_store = b"\xc7" in segment.data[max(at - 7, 0) : at]
            if self._image.is_code(target) and (
                is_constant or is_store or target in self._functions
            ):
                self._functions.add(target)
                self._taken.append(self._span.packed(segment.address + at, target))

    def _find_decoded(self, one: Range) -> None:
        begins = self._begins[one] = array("Q")
        for instruction in self._decoding(one):
            begins.append(instruction.address)
            target = instruction.target
            if target is None or not self._image.is_code(target):
                continue
            self._branches.append(self._span.packed(instruction.address, target))
            if instruction.is_call:
                self._functions.add(target)

    def _cut(self) -> None:
        """Where an instruction begins; what looks like an address and leads into the middle of one
        is none. A frame description may begin a byte early, for unwinders look before a return
        address: so an instruction may begin right behind its start."""
        for one, inside in self._by_range(self._functions - self._tried).items():
            self._starts |= inside.intersection(self._begins_of(one)) | inside & {one[0] + 1}
        self._tried |= self._functions
        self.starts = array("Q", sorted(self._starts))

    def _by_range(self, addresses: Iterable[int]) -> dict[Range, set[int]]:
        found: dict[Range, set[int]] = {}
        for address in addresses:
            found.setdefault(self._range_at(address), set()).add(address)
        return found

    def _enter_by_jumps(self) -> None:
        """Without frame descriptions, what is only jumped to from afar begins a function too."""
        for source, target in map(self._span.unpacked, self._branches):
            if self.piece_at(source) != self.piece_at(target) and not self._is_framed(target):
                self._functions.add(target)

    def _short_jumps(self) -> Iterator[int]:
        """From one function to the start of another (a call in tail position); rel8 in the bytes of
        other instructions is far too common to be taken for one."""
        for start, end in self._framed:
            data = self._image.bytes_at(start, end - start)
            leaving = set()
            for found in _SHORT.finditer(data, 0, max(len(data) - 1, 0)):
                at = found.start()
                distance = (data[at + 1] ^ 0x80) - 0x80  # a signed byte
                target = start + at + 2 + distance
                if not start <= target < end and target in self._starts:
                    leaving.add(start + at)
            for piece in {self.piece_at(one) for one in leaving}:
                for one in self.instructions(piece):
                    if one.address in leaving and one.target is not None:
                        yield self._span.packed(one.address, one.target)

    def _long_jumps(self) -> Iterator[int]:
        """Of code with frame descriptions; most are from one place of a piece to another."""
        for segment in self._image.code:
            for pattern, opcode_bytes in ((_JUMP, 1), (_CONDITIONAL, 2)):
                for at, target in _targets(segment, pattern, opcode_bytes):
                    if self._is_other(at, target) and self._is_framed(at):
                        yield self._span.packed(at, target)

    def _to_tables(self) -> Iterator[int]:
        for source, table in zip(*self._tables, strict=True):
            for target in self.table(table, self.piece_at(source)):
                yield self._span.packed(source, target)

    def _between_pieces(self) -> Iterator[int]:
        """Those that leave their piece, with the ways from a piece into the one behind it."""
        found = (self._calls, self._branches, self._short_jumps(), self._to_tables())
        for one in chain(*found):
            if self._is_other(*self._span.unpacked(one)):
                yield one
        yield from self._long_jumps()
        for piece in range(len(self.starts) - 1):
            following = self.starts[piece + 1]
            if self._runs_on(self.starts[piece], following):
                yield from self._inside(piece, following)

    def _is_other(self, source: int, target: int) -> bool:
        """Whether a branch leaves its piece, or begins it anew, to where code is."""
        piece = self.piece_at(source)
        start = self.starts[piece]
        if start < target < self._next_start(piece):
            return False
        return (target >= start or piece > 0) and self._image.is_code(target)

    def _runs_on(self, start: int, following: int) -> bool:
        """Whether only the instructions can tell that a piece ends: it is cut, or has no frame
        description, or what lies behind it has none."""
        here, there = self._range_at(start), self._range_at(following)
        return (
            here == there
            or here not in self._framed
            or (there not in self._framed and here[1] == there[0])
        )

    def _inside(self, piece: int, following: int) -> Iterator[int]:
        """Of a range with several pieces: every direct branch that leaves, and falling through."""
        last: Instruction | None = None
        for one in self.instructions(piece):
            if not one.is_padding or last is None:
                last = one
            if one.target is not None and self._is_other(one.address, one.target):
                yield self._span.packed(one.address, one.target)
        if last is not None and not last.ends_flow and not _never_returns(last, following):
            yield self._span.packed(last.address, following)

    # -------------------------------------------------------------- ranges

    def _range_at(self, address: int) -> Range:
        return self._ranges[bisect_right(self._range_starts, address) - 1]

    def _is_framed(self, address: int) -> bool:
        return self._range_at(address) in self._framed

    def _end(self, start: int) -> int:
        return self._range_at(start)[1]

    def _next_start(self, piece: int) -> int:
        return self.starts[piece + 1] if piece + 1 < len(self.starts) else _BEHIND_ALL

    def _read(self, one: Range) -> tuple[Instruction, ...]:
        if one not in self._decoded:
            self._decoded[one] = tuple(self._decoding(one))
            self._kept_bytes += one[1] - one[0]
            while self._kept_bytes > _KEPT_BYTES:
                oldest = next(iter(self._decoded))
                self._kept_bytes -= oldest[1] - oldest[0]
                if oldest == one:
                    return self._decoded.pop(one)  # alone more than is kept
                del self._decoded[oldest]
        return self._decoded[one]

    def _begins_of(self, one: Range) -> array[int]:
        """Of its instructions, in order."""
        if one not in self._begins:
            self._begins[one] = array("Q", (begin for begin, *_ in self._read(one)))
        return self._begins[one]

    def _decoding(self, one: Range) -> Iterator[Instruction]:
        if one not in self._asked:
            self._asked.add(one)
            self._asked_bytes += one[1] - one[0]
            if self._asked_bytes > _MAXIMUM_DECODED_BYTES:
                raise ValueError(f"more than {_MAXIMUM_DECODED_BYTES >> 20} MiB to disassemble")
        return decode(self._image.bytes_at(one[0], one[1] - one[0]), one[0])


def _span(image: ElfImage) -> Span:
    """With an instruction's opcode before the first byte that may be an operand."""
    lowest = min((segment.address for segment in image.code), default=1)
    return Span(lowest - 1, max((segment.end for segment in image.code), default=1))


def _never_returns(last: Instruction, following: int) -> bool:
    """A call that stands last, before a place where compilers let functions begin, is to a function
    that does not come back: abort(3), exit(3)."""
    return last.is_call and following % _FUNCTION_ALIGNMENT == 0


def _is_filling(image: ElfImage, gap: tuple[int, int]) -> bool:
    return _FILLING.fullmatch(image.bytes_at(gap[0], gap[1] - gap[0])) is not None


def _targets(
    segment: Segment, pattern: re.Pattern[bytes], opcode_bytes: int
) -> Iterator[tuple[int, int]]:
    address, data, unpack = segment.address, segment.data, _WORD.unpack_from
    base = address + opcode_bytes + 4
    for found in pattern.finditer(data, 0, max(len(data) - 4, 0)):  # with all of its operand
        at = found.start()
        yield address + at, base + at + unpack(data, at + opcode_bytes)[0]
