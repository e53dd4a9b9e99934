"""What a row of signatures.tbl says of a system call, as capabilities.json carries it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import Dock2ukError

STACK_POINTER = 6
RESULT = 7
ONE = 8
_ARGUMENT = re.compile(r"(<>|<|>)?([a-z_0-9]+?)(?:\*([0-5r]))?(?:@([0-6]))?")


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: `register` holds it, and when it is a pointer, memory of `type` is there."""

    type: str
    register: int
    is_read: bool = False
    is_filled: bool = False
    count: int = ONE  # the register that says how many

    @property
    def is_pointer(self) -> bool:
        return self.is_read or self.is_filled

    @property
    def is_result(self) -> bool:
        """Whether it can be shown only once the call is done."""
        return self.is_filled and not self.is_read


@dataclass(frozen=True, slots=True)
class Signature:
    number: int
    name: str
    arguments: tuple[Argument, ...]
    result: str = "int"


def parse(number: int, name: str, text: str) -> Signature:
    """`text` is `fd >text*r size` or `address = address`; empty when nothing is known."""
    words, _, result = text.partition("=")
    if text == "?":
        arguments = tuple(Argument("hex", register) for register in range(6))
    else:
        arguments = tuple(_argument(name, at, word) for at, word in enumerate(words.split()))
    return Signature(number, name, arguments, result.strip() or "int")


def _argument(call: str, position: int, text: str) -> Argument:
    match = _ARGUMENT.fullmatch(text)
    if match is None:
        raise Dock2ukError(f"signature of {call} not understood: {text!r}")
    direction, kind, count, register = match.groups()
    return Argument(
        type=kind,
        register=int(register) if register else position,
        is_read="<" in (direction or ""),
        is_filled=">" in (direction or ""),
        count=ONE if count is None else RESULT if count == "r" else int(count),
    )


def unknown(number: int) -> Signature:
    """A number that no call has, as strace names it."""
    return parse(number, f"syscall_{number:#x}", "?")


def parse_all(texts: Mapping[tuple[int, str], str]) -> dict[int, Signature]:
    return {number: parse(number, name, text) for (number, name), text in texts.items()}
