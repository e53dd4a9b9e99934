"""What registers and stack slots may hold inside one piece of code: constants, what they held when
the piece was entered, addresses of the stack; anything else is not known.

A forward analysis over the piece's own jumps. It is for system call numbers, so it knows the few
instructions that carry them. Calls keep what the System V ABI says they keep (AMD64 § 3.2.1), or
nothing where the caller says so (Go). A place that is entered from nowhere in sight begins with
nothing known.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from .blocks import Blocks, Piece
from .decode import Instruction
from .operands import ALL_REGISTERS, Memory, Operand, Register, operands

_MAXIMUM_VALUES = 64
_MAXIMUM_STEPS = 400_000
_MAXIMUM_INSTRUCTIONS = 200_000  # of one piece
CALL_SPOILS = ("rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11")
_SYSTEMCALL_SPOILS = ("rax", "rcx", "r11")
# What a call may use as its own: arguments on the stack (§ 3.2.3).
_ARGUMENT_BYTES = 64
_LOWEST = " lowest byte"  # behind a register's name: known where the rest is not
_READ_ONLY = frozenset(("cmp", "test", "push", "nop", "endbr64", "bt", "prefetcht0"))


@dataclass(frozen=True, slots=True)
class Entered:
    """What a register held when the piece was entered, these bits of it."""

    register: str
    mask: int = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Stacked:
    """What lay at this offset from the stack pointer when the piece was entered."""

    offset: int


@dataclass(frozen=True, slots=True)
class StackAddress:
    """The entering stack pointer and this."""

    offset: int


Atom = int | Entered | Stacked | StackAddress
Value = frozenset[Atom]
State = dict[str | int, Value]  # register or offset on the stack -> what it may hold; else unknown


def states(piece: Piece) -> States | None:
    """None where the piece is too large, or empty."""
    if not 0 < len(piece.instructions) <= _MAXIMUM_INSTRUCTIONS:
        return None
    blocks = Blocks(piece)
    escaped: set[int] = set()
    while True:
        found = States(piece, blocks, frozenset(escaped))
        if not found.is_settled():
            return None
        if found.escaped <= escaped:
            return found
        escaped |= found.escaped


class States:
    """One pass to a fixed point, with stack slots whose address is taken held to be unknown.

    Kept is what is known at the beginning of each block; the rest is found anew when asked for.
    """

    def __init__(self, piece: Piece, blocks: Blocks, unknown_slots: frozenset[int]) -> None:
        self._piece = piece
        self._blocks = blocks
        self._unknown_slots = unknown_slots
        self._leaders = set(blocks.leaders)
        self._states: dict[int, State] = {}  # of leaders
        self._reached: set[int] = set()
        self._pending: list[int] = []
        self._waiting: set[int] = set()  # what is pending
        self._steps = 0
        self._at_end: State | None = None  # where it goes on behind the piece
        self.escaped: set[int] = set()

    def is_settled(self) -> bool:
        entry: State = {name: frozenset((Entered(name),)) for name in ALL_REGISTERS}
        entry["rsp"] = frozenset((StackAddress(0),))
        entry |= {at: frozenset((Stacked(at),)) for at in range(8, _ARGUMENT_BYTES + 1, 8)}
        self._meet(0, entry)
        for at in self._blocks.entered_inside:
            self._meet(at, {})
        return self._settle() and (not self._piece.has_hidden_entries or self._is_settled_inside())

    def _is_settled_inside(self) -> bool:
        """With what nothing in sight leads to, in order: what one leads to is no entry itself."""
        for at, instruction in enumerate(self._piece.instructions):
            if at not in self._reached and not instruction.is_padding:
                self._leaders.add(at)
                self._meet(at, {})
                if not self._settle():
                    return False
        return True

    def before(self, address: int) -> State | None:
        """Of the instruction there, or of where the piece ends; None where nothing leads there."""
        instructions = self._piece.instructions
        wanted = self._blocks.index.get(address)
        if wanted is None:
            return self._at_end if address == instructions[-1].end else None
        if wanted not in self._reached:
            return None
        begin = wanted
        while begin not in self._leaders:
            begin -= 1
        state = dict(self._states[begin])
        for one in instructions[begin:wanted]:
            state = self._after(one, state)
        return state

    def _settle(self) -> bool:
        while self._pending:
            at = heappop(self._pending)  # in the code's order, so that most are met once
            self._waiting.discard(at)
            self._through_block(at)
            if self._steps > _MAXIMUM_STEPS:
                return False
        return True

    def _through_block(self, begin: int) -> None:
        instructions, exits = self._piece.instructions, self._blocks.exits
        state = dict(self._states[begin])
        for at in range(begin, len(instructions)):
            if at != begin and at in self._leaders:
                self._meet(at, state)
                break
            state = self._after(instructions[at], state)
            if at in exits:
                self._leave(at, state)
                break
        self._reached.update(range(begin, at + 1))
        self._steps += at + 1 - begin

    def _leave(self, at: int, state: State) -> None:
        instructions = self._piece.instructions
        if at + 1 == len(instructions) and not instructions[at].ends_flow:
            self._at_end = state if self._at_end is None else _joined(self._at_end, state)
        for next_at in self._blocks.exits[at]:
            self._meet(next_at, self._where_equal(at, next_at, state))

    def _where_equal(self, at: int, next_at: int, state: State) -> State:
        """A register compared with a constant is that constant where the branch says so."""
        jump = self._piece.instructions[at]
        is_target = next_at != at + 1
        if at in self._leaders or jump.mnemonic != ("je" if is_target else "jne"):
            return state
        compared = self._piece.instructions[at - 1]
        given = operands(compared.text)
        match (compared.mnemonic, *given):
            case ("test", Register(size=4 | 8) as one, Register() as other) if one == other:
                return {**state, one.name: frozenset((0,))}
            case ("cmp", Register(size=4 | 8) as one, int(number)):
                return {**state, one.name: frozenset((number & 0xFFFFFFFF,))}
        return state

    def _meet(self, at: int, state: State) -> None:
        old = self._states.get(at)
        new = dict(state) if old is None else _joined(old, state)
        if new is not old:
            self._states[at] = new
            if at not in self._waiting:
                self._waiting.add(at)
                heappush(self._pending, at)

    # -------------------------------------------------------------- instructions

    def _after(self, one: Instruction, state: State) -> State:
        if one.is_call:
            return self._after_call(self._piece.spoils.get(one.address, CALL_SPOILS), state)
        if one.mnemonic == "syscall":
            for name in _SYSTEMCALL_SPOILS:
                state.pop(name, None)
            return state
        given = operands(one.text)
        match one.mnemonic:
            case "push" | "pop":
                self._push_or_pop(one.mnemonic, given, state)
            case "leave":
                frame = state.pop("rbp", None)
                if frame is not None and len(frame) == 1:
                    (atom,) = frame
                    if isinstance(atom, StackAddress):
                        state["rsp"] = frozenset((StackAddress(atom.offset + 8),))
                        return state
                state.pop("rsp", None)
            case "pushfq" | "popfq" | "enter":
                state.pop("rsp", None)
            case _ if one.mnemonic in _READ_ONLY or one.mnemonic.startswith("j"):
                pass
            case _:
                self._write(one.mnemonic, given, state)
        return state

    def _after_call(self, spoils: Collection[str], state: State) -> State:
        stack = _offset(state.get("rsp"))
        for key in list(state):
            if isinstance(key, int):
                if stack is None or (
                    stack <= key < stack + _ARGUMENT_BYTES and self._piece.keeps_registers
                ):
                    del state[key]
            elif (
                key.endswith(_LOWEST)
                or key in spoils
                or (not self._piece.keeps_registers and key != "rsp")
            ):
                del state[key]
        return state

    def _push_or_pop(self, mnemonic: str, given: Sequence[Operand], state: State) -> None:
        stack = _offset(state.get("rsp"))
        operand = given[0] if given else None
        if mnemonic == "push":
            value = self._read(operand, state)
            if stack is not None:
                state["rsp"] = frozenset((StackAddress(stack - 8),))
                self._store(stack - 8, value, state)
            return
        if stack is not None:
            state["rsp"] = frozenset((StackAddress(stack + 8),))
        if isinstance(operand, Register):
            value = self._slot(stack, state) if stack is not None else None
            _set(state, operand.name, value)

    def _write(self, mnemonic: str, given: Sequence[Operand], state: State) -> None:
        value = self._computed(mnemonic, given, state)
        target = given[0] if given else None
        if isinstance(target, Register):
            if target.size < 4:
                is_bit = mnemonic.startswith("set") and not target.is_high  # setcc: 0 or 1
                value = frozenset((0, 1)) if is_bit else value
                is_lowest = is_bit or (
                    mnemonic == "mov" and target.size == 1 and not target.is_high
                )
                whole = _low_byte(state.get(target.name), value) if is_lowest else None
                _set(state, target.name, whole)
                if is_bit:
                    state[target.name + _LOWEST] = frozenset((0, 1))
                return
            _set(state, target.name, value)
        elif isinstance(target, Memory) and len(given) > 1:
            offset = self._place(target, state)
            if offset is not None:
                self._store(
                    offset, value if mnemonic == "mov" and target.size >= 4 else None, state
                )
        for name in also_written(mnemonic, given):
            _set(state, name, None)

    def _computed(self, mnemonic: str, given: Sequence[Operand], state: State) -> Value | None:
        if len(given) == 2 and mnemonic in ("mov", "movabs", "movsxd"):
            return self._read(given[1], state)
        if mnemonic == "movzx" and isinstance(given[1], Register) and given[1].size == 1:
            return None if given[1].is_high else state.get(given[1].name + _LOWEST)
        if len(given) == 2 and mnemonic.startswith("cmov"):
            return _union(self._read(given[0], state), self._read(given[1], state))
        if len(given) == 2 and given[0] == given[1] and isinstance(given[0], Register):
            if mnemonic in ("xor", "sub"):
                return frozenset((0,))
            if mnemonic == "sbb":
                return frozenset((0, 0xFFFFFFFF))
            if mnemonic in ("and", "or"):
                return self._read(given[0], state)
        if len(given) == 2 and mnemonic == "lea" and isinstance(given[1], Memory):
            return self._address(given[1], state)
        if mnemonic == "adc" and len(given) == 2 and isinstance(given[1], int):
            held = self._read(given[0], state)  # with the carry, which is 0 or 1
            return _union(*(_arithmetic("add", held, given[1] + carry) for carry in (0, 1)))
        if (
            mnemonic in ("add", "sub", "and", "or")
            and len(given) == 2
            and isinstance(given[1], int)
        ):
            return _arithmetic(mnemonic, self._read(given[0], state), given[1])
        return None

    def _address(self, memory: Memory, state: State) -> Value | None:
        if not memory.is_plain or not memory.base:
            return None
        held = state.get(memory.base)
        moved = _arithmetic("add", held, memory.displacement)
        offset = _offset(moved)
        if offset is not None:
            self.escaped.add(offset)
        return moved

    def _read(self, operand: Operand, state: State) -> Value | None:
        if isinstance(operand, int):
            return frozenset((operand & 0xFFFFFFFF,))
        if isinstance(operand, Register):
            return state.get(operand.name) if operand.size >= 4 else None
        if isinstance(operand, Memory) and operand.size >= 4:
            offset = self._place(operand, state)
            return self._slot(offset, state) if offset is not None else None
        return None

    def _place(self, memory: Memory, state: State) -> int | None:
        """The offset on the stack that it is about."""
        if not memory.is_plain:
            return None
        base = _offset(state.get(memory.base))
        return None if base is None else base + memory.displacement

    def _slot(self, offset: int, state: State) -> Value | None:
        return None if offset in self._unknown_slots else state.get(offset)

    def _store(self, offset: int, value: Value | None, state: State) -> None:
        for near in range(offset - 7, offset + 8):
            state.pop(near, None)
        if value is not None:
            state[offset] = value


def masked(value: Value | None, mask: int) -> Value | None:
    """Those bits of it."""
    return value if mask == 0xFFFFFFFF else _arithmetic("and", value, mask)


def _joined(old: State, new: State) -> State:
    """What holds of both; `old` itself where that is all that it says."""
    joined: State = {}
    is_changed = False
    known = new.get
    for key, value in old.items():  # most of the time is spent here: most are the same value
        other = known(key)
        if other is not value and other != value:
            both = _union(value, other)
            if both != value:
                is_changed = True
                if both is None:
                    continue
                value = both
        joined[key] = value
    return joined if is_changed else old


def _union(first: Value | None, second: Value | None) -> Value | None:
    if first is None or second is None:
        return None
    both = first | second
    return both if len(both) <= _MAXIMUM_VALUES else None


def _offset(value: Value | None) -> int | None:
    """Of the one stack address that it is."""
    if value is None or len(value) != 1:
        return None
    (atom,) = value
    return atom.offset if isinstance(atom, StackAddress) else None


def _set(state: State, name: str, value: Value | None) -> None:
    state.pop(name + _LOWEST, None)
    if value is None:
        state.pop(name, None)
    else:
        state[name] = value


def _arithmetic(mnemonic: str, value: Value | None, operand: int) -> Value | None:
    if mnemonic == "and" and value is None:
        bits = [1 << bit for bit in range(32) if operand >> bit & 1]
        if operand < 0 or len(bits) > 3:
            return None
        sums = {0}
        for bit in bits:
            sums |= {one | bit for one in sums}
        return frozenset(sums)
    if mnemonic == "or" and operand in (-1, 0xFFFFFFFF):
        return frozenset((0xFFFFFFFF,))
    if value is None:
        return None
    found: set[Atom] = set()
    for atom in value:
        if isinstance(atom, StackAddress) and mnemonic in ("add", "sub"):
            found.add(StackAddress(atom.offset + (operand if mnemonic == "add" else -operand)))
        elif isinstance(atom, int):
            found.add(_of_numbers(mnemonic, atom, operand) & 0xFFFFFFFF)
        elif isinstance(atom, Entered) and mnemonic == "and":
            found.add(Entered(atom.register, atom.mask & operand))
        elif operand != 0 or mnemonic == "and":
            return None
        else:
            found.add(atom)
    return frozenset(found)


def _low_byte(old: Value | None, new: Value | None) -> Value | None:
    """Of a register whose lowest byte alone is written."""
    if old is None or new is None:
        return None
    numbers = [(a, b) for a in old for b in new if isinstance(a, int) and isinstance(b, int)]
    if len(numbers) != len(old) * len(new):
        return None
    return frozenset(a & ~0xFF | b & 0xFF for a, b in numbers)


def _of_numbers(mnemonic: str, left: int, right: int) -> int:
    match mnemonic:
        case "add":
            return left + right
        case "sub":
            return left - right
        case "and":
            return left & right
    return left | right


def also_written(mnemonic: str, given: Sequence[Operand]) -> tuple[str, ...]:
    """Registers that an instruction writes and does not name first."""
    if mnemonic in (
        "mul",
        "imul",
        "div",
        "idiv",
        "cdq",
        "cqo",
        "rdtsc",
        "rdtscp",
        "cpuid",
        "xgetbv",
    ):
        return ("rax", "rdx", "rcx", "rbx") if mnemonic in ("cpuid", "rdtscp") else ("rax", "rdx")
    if "cmpxchg" in mnemonic:
        return ("rax", "rdx")
    if "xchg" in mnemonic or "xadd" in mnemonic:
        return tuple(one.name for one in given if isinstance(one, Register))
    if mnemonic in ("cdqe", "cwde", "lahf") or mnemonic.startswith("lods"):
        return ("rax", "rsi")
    if mnemonic.startswith(("rep", "movs", "stos", "scas", "cmps")) and not mnemonic.startswith(
        "movsx"
    ):
        return (
            ("rcx", "rsi", "rdi", "rax")
            if "scas" in mnemonic or "cmps" in mnemonic
            else ("rcx", "rsi", "rdi")
        )
    return ()
