"""Which system call numbers each piece of code gives the kernel.

At every `syscall` instruction the value of eax is asked of `flow`. Where it is what the piece was
entered with (a register, a place on the stack), so is asked of everything that enters the piece,
and the calls belong to those; so a wrapper makes none by itself. syscall(2) of another file is such
a wrapper: its number is the first argument. What stays unknown is said, with the place.

The same is asked of the family and type that socket(2) is given, where its number is settled at the
instruction itself: C libraries make it so, and programs that carry theirs are known through that.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from .blocks import Piece
from .callees import Callees
from .decode import Instruction, index_of
from .elf_image import ElfImage
from .flow import Entered, Stacked, State, States, Value, masked, states
from .layout import Layout
from .operands import Memory, Register, operands

WRAPPER = "syscall"  # syscall(2)
_WRAPPER_REGISTER = Entered("rdi")
NUMBER, FAMILY, TYPE = "number", "family", "type"  # what may be asked for
_REGISTERS = {NUMBER: Entered("rax"), FAMILY: Entered("rdi"), TYPE: Entered("rsi", 0xF)}
_OF_SOCKETS = (FAMILY, TYPE)
_SOCKET = 41  # socket(2)
_SYSTEM_CALL = re.compile(rb"\x0f\x05|\xcd\x80|\x0f\x34")  # syscall, int 0x80, sysenter
# setuid(2) and its kind are made by every thread (nptl(7)): the C library puts the number and three
# arguments into a struct, and each thread loads them from there. Which offsets tell the struct:
# glibc's struct xid_command (nptl/setxid.h), musl's struct ctx (src/unistd/setxid.c).
_OF_EVERY_THREAD = (
    105,
    106,
    113,
    114,
    116,
    117,
    119,
)  # set{uid,gid,reuid,regid,groups,resuid,resgid}
_COMMANDS = (
    {"rax": 0, "rdi": 8, "rsi": 16, "rdx": 24},
    {"rax": 12, "rdi": 0, "rsi": 4, "rdx": 8},
)
_MAXIMUM_SITES = 10_000  # a C library has some six hundred
_COMMAND_INSTRUCTIONS = 12


@dataclass(slots=True)
class Found:
    """What one piece asks for: number -> address of the instruction that settles it."""

    calls: dict[int, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)  # whenever it runs
    # When entered by other than a direct branch.
    if_entered: list[str] = field(default_factory=list)
    sockets: set[tuple[str, int]] = field(default_factory=set)  # FAMILY or TYPE, and a value of it
    unknown_sockets: list[str] = field(default_factory=list)
    sockets_if_entered: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Demand:
    """Somebody needs to know what this piece is entered with, and for what."""

    piece: int
    what: Entered | Stacked
    subject: str


class Numbers:
    """The search in one file; `found` is by piece."""

    def __init__(self, image: ElfImage, layout: Layout, *, keeps_registers: bool) -> None:
        self._image, self._layout = image, layout
        self._keeps_registers = keeps_registers
        self._states: dict[int, States | None] = {}
        self._callees = Callees(layout)
        self._looked_into: set[int] = set()  # pieces whose callees were asked what they overwrite
        self._demands: list[_Demand] = []
        self._known: set[_Demand] = set()
        self.wrappers: dict[int, set[Entered | Stacked]] = defaultdict(set)
        self.found: dict[int, Found] = defaultdict(Found)
        self.notes: list[str] = []
        self._find()

    def _find(self) -> None:
        sites = [
            segment.address + match.start()
            for segment in self._image.code
            for match in _SYSTEM_CALL.finditer(segment.data)
        ]
        if len(sites) > _MAXIMUM_SITES:
            raise ValueError(f"more than {_MAXIMUM_SITES} places that may make system calls")
        for address in sites:
            self._at_site(address)
        for at, name in self._layout.references:
            if name == WRAPPER:
                self._at_reference(at)
        while self._demands:
            self._at_entries(self._demands.pop())

    def _at_site(self, address: int) -> None:
        piece = self._layout.piece_at(address)
        one = self._instruction(piece, address)
        if one is None:
            if self._layout.is_instruction(address, piece):
                self.found[piece].unknown.append(f"the code before {address:#x} reads in two ways")
        elif self._runs(piece, address):
            if one.mnemonic == "syscall":
                self._give(piece, address, self._value(piece, address, _REGISTERS[NUMBER]))
                self._give_sockets(piece, address)
            elif (one.mnemonic, one.text) in (("int", "0x80"), ("sysenter", "")):
                self.notes.append(f"{address:#x} makes a call the 32-bit way, which is not there")

    def _runs(self, piece: int, address: int) -> bool:
        """False where data in the code looks like a call: bytes of the piece are no instructions,
        and no way from where it is entered leads there."""
        is_data = any(one.mnemonic == ".byte" for one in self._layout.instructions(piece))
        states_there = self._states_of(piece)
        return not is_data or states_there is None or states_there.before(address) is not None

    def _at_reference(self, at: int) -> None:
        """`at` is where the operand begins: one to three bytes behind the instruction's start."""
        piece = self._layout.piece_at(at)
        for one in self._layout.instructions(piece):
            if one.address <= at < one.end:
                if one.is_call or one.is_jump:
                    value = self._value(piece, one.address, _WRAPPER_REGISTER)
                    self._give(piece, one.address, value)
                    if value is not None and _SOCKET in value:
                        self.found[piece].unknown_sockets.append(f"the socket asked for at {at:#x}")
                else:
                    self.found[piece].unknown.append(f"{at:#x} takes the address of syscall()")
                return

    def _give(self, piece: int, address: int, value: Value | None) -> None:
        found = self.found[piece]
        if value is None:
            commands = _OF_EVERY_THREAD if self._is_command(piece, address) else ()
            found.calls |= dict.fromkeys(commands, address)
            if not commands:
                found.unknown.append(f"the number at {address:#x} is not known")
            return
        for atom in value:
            if isinstance(atom, int):
                found.calls.setdefault(atom, address)
            elif isinstance(atom, Entered | Stacked):
                self._demand(_Demand(piece, atom, NUMBER))
            else:
                found.unknown.append(f"the number at {address:#x} is an address")

    def _give_sockets(self, piece: int, address: int) -> None:
        """What socket(2) is given, if it is that call."""
        value = self._value(piece, address, _REGISTERS[NUMBER])
        if value is None or _SOCKET not in value:
            return
        for subject in _OF_SOCKETS:
            self._give_socket(
                piece, address, self._value(piece, address, _REGISTERS[subject]), subject
            )

    def _give_socket(self, piece: int, address: int, value: Value | None, subject: str) -> None:
        found = self.found[piece]
        for atom in value if value is not None else (None,):
            if isinstance(atom, int):
                found.sockets.add((subject, atom))
            elif isinstance(atom, Entered | Stacked):
                self._demand(_Demand(piece, atom, subject))
            else:
                found.unknown_sockets.append(f"the {subject} of a socket at {address:#x}")

    def _demand(self, demand: _Demand) -> None:
        if demand in self._known:
            return
        self._known.add(demand)
        self._demands.append(demand)
        start = self._layout.starts[demand.piece]
        found = self.found[demand.piece]
        if demand.subject == NUMBER:
            self.wrappers[demand.piece].add(demand.what)
            found.if_entered.append(f"the number is what {start:#x} is called with")
        else:
            found.sockets_if_entered.append(f"the {demand.subject} that {start:#x} is called with")

    def _at_entries(self, demand: _Demand) -> None:
        start = self._layout.starts[demand.piece]
        for source, target in self._layout.branches_into(demand.piece):
            if target != start:
                continue  # in the middle: the flow knows nothing there
            piece = self._layout.piece_at(source)
            one = self._instruction(piece, source)
            if one is None:
                if self._layout.is_instruction(source, piece):
                    self.found[piece].unknown.append(
                        f"the code before {source:#x} reads in two ways"
                    )
                continue
            # Where it is no branch, the code goes on from its piece's end.
            at = source if one.target == target else self._layout.instructions(piece)[-1].end
            value = self._value(piece, at, _as_seen_by(one, demand.what))
            if demand.subject != NUMBER:
                self._give_socket(piece, source, value, demand.subject)
                continue
            self._give(piece, source, value)
            if value is not None and _SOCKET in value:
                self.found[piece].unknown_sockets.append(f"the socket that {source:#x} asks for")

    # -------------------------------------------------------------- values

    def _instruction(self, piece: int, address: int) -> Instruction | None:
        instructions = self._layout.instructions(piece)
        at = index_of(address, instructions)
        return instructions[at] if at is not None else None

    def _value(self, piece: int, address: int, what: Entered | Stacked) -> Value | None:
        value = self._value_in(self._state(piece, address), what)
        if value is None and piece not in self._looked_into:
            self._looked_into.add(piece)
            del self._states[piece]
            value = self._value_in(self._state(piece, address), what)
        return value

    def _state(self, piece: int, address: int) -> State | None:
        states_there = self._states_of(piece)
        return None if states_there is None else states_there.before(address)

    def _value_in(self, state: State | None, what: Entered | Stacked) -> Value | None:
        if state is None:
            return None
        if isinstance(what, Entered):
            return masked(state.get(what.register), what.mask)
        stack = state.get("rsp")
        if stack is None or len(stack) != 1:
            return None
        (atom,) = stack
        return state.get(atom.offset + what.offset) if hasattr(atom, "offset") else None

    def _states_of(self, piece: int) -> States | None:
        if piece not in self._states:
            instructions = self._layout.instructions(piece)
            is_exact = piece in self._looked_into
            inside = set(self._entered_inside(piece))
            tables = dict(self._tables(piece, instructions))
            if any(not targets for targets in tables.values()):
                inside |= _leaders(instructions)
            self._states[piece] = states(
                Piece(
                    instructions,
                    inside,
                    tables,
                    keeps_registers=self._keeps_registers,
                    spoils=self._callees.spoiled(instructions) if is_exact else {},
                    final_calls=self._callees.final_calls(instructions) if is_exact else (),
                    has_hidden_entries=self._layout.is_framed(piece),
                )
            )
        return self._states[piece]

    def _entered_inside(self, piece: int) -> Iterator[int]:
        """What instructions elsewhere jump to, or tables of theirs lead to."""
        start = self._layout.starts[piece]
        for source, target in self._layout.branches_into(piece):
            one = self._instruction(self._layout.piece_at(source), source)
            is_branch = one is not None and one.target == target
            if target != start and (is_branch or one is None or one.mnemonic == "lea"):
                yield target

    def _tables(
        self, piece: int, instructions: Collection[Instruction]
    ) -> Iterator[tuple[int, set[int]]]:
        """Indirect jumps, and where the tables that the piece refers to lead."""
        targets: set[int] = set()
        jumps: list[int] = []
        for one in instructions:
            for operand in operands(one.text) if "[" in one.text else ():
                if isinstance(operand, Memory):
                    table = operand.displacement + (
                        one.end if operand.base == "" and "rip" in one.text else 0
                    )
                    targets.update(self._layout.table(table, piece) if table > 0 else ())
            if one.is_jump and one.target is None and "[rip" not in one.text:
                jumps.append(one.address)
        for jump in jumps:
            yield jump, targets

    def _is_command(self, piece: int, address: int) -> bool:
        """The number and three arguments are loaded from a struct as C libraries lay it out."""
        before = [one for one in self._layout.instructions(piece) if one.address < address]
        loads: dict[str, int] = {}
        for one in before[-_COMMAND_INSTRUCTIONS:]:
            match operands(one.text) if one.mnemonic in ("mov", "movsxd") else ():
                case (Register(name=name), Memory(is_plain=True, displacement=offset)):
                    loads[name] = offset
        return any(command.items() <= loads.items() for command in _COMMANDS)


def _as_seen_by(one: Instruction, what: Entered | Stacked) -> Entered | Stacked:
    """A call pushes where it returns to; a jump does not."""
    return Stacked(what.offset - 8) if one.is_call and isinstance(what, Stacked) else what


def _leaders(instructions: Collection[Instruction]) -> set[int]:
    """Where a jump that cannot be followed may go: behind what ends the flow, where others go."""
    found = {one.target for one in instructions if one.target is not None}
    return found | {one.end for one in instructions if one.ends_flow}
