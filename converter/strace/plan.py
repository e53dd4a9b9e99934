"""The kernel's `strace` option: which calls to record, and which of their memory.

Its form is described where the kernel reads it, runtimes/husk/src/trace/plan.rs. The kernel has no
table of system calls' arguments of its own; so an image made long ago traces as well as a new one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..errors import Dock2ukError
from .kinds import pointee_of
from .signature import Argument, Signature

CALLS = 480
_BASE = 64
_ZERO = ord("0")
_END = "."  # of a row
# The command line that QEMU's firmware passes on has room for so much (pvh_main.c).
_LARGEST_BYTES = 3500


def option(
    signatures: Mapping[int, Signature], wanted: Collection[int] | None, text_limit: int
) -> str:
    """The option's value for calls `wanted`, all when None; `text_limit` is of quoted buffers."""
    header_bytes = 2 + 2 * CALLS
    places = {"": header_bytes}  # of each row of captures
    rows = _END
    table = [0] * CALLS
    for number in range(CALLS - 1) if wanted is None else sorted(wanted):
        signature = signatures.get(number)
        captures = _captures(signature.arguments) if signature else ""
        if captures not in places:
            places[captures] = header_bytes + len(rows)
            rows += captures + _END
        table[number] = places[captures]
    table[-1] = header_bytes if wanted is None else 0
    # The kernel looks at five characters at a time, at the last end too.
    text = "".join(map(_digits, [text_limit, *table])) + rows + _END * 4
    if len(text) > _LARGEST_BYTES:
        raise Dock2ukError(f"the strace option is {len(text)} bytes long, over {_LARGEST_BYTES}")
    return text


def _captures(arguments: Sequence[Argument]) -> str:
    return "".join(
        _capture(argument, is_at_exit)
        for argument in arguments
        if argument.is_pointer
        for is_at_exit in (False, True)
        if (argument.is_filled if is_at_exit else argument.is_read)
    )


def _capture(argument: Argument, is_at_exit: bool) -> str:
    kind = pointee_of(argument)
    letter = kind.letter.upper() if is_at_exit else kind.letter
    ends = f"{chr(_ZERO + argument.register)}{letter}{chr(_ZERO + argument.count)}"
    return ends + _digits(kind.unit_bytes)


def _digits(number: int) -> str:
    return chr(_ZERO + number // _BASE) + chr(_ZERO + number % _BASE)
