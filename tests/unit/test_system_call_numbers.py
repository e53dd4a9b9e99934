"""Numbers given to syscall(2), in code as compilers write it."""

from __future__ import annotations

import struct

from dock2uk.analyse.system_call_numbers import ANY_NUMBER, Code, numbers_given

BASE, SLOT = 0x1000, 0x5000
STUB = 0x100  # offset of the PLT's stub in the code
ENDBR64 = b"\xf3\x0f\x1e\xfa"


def code(*before_calls: bytes) -> Code:
    """Functions that each do something, then call the stub."""
    data = b""
    for before in before_calls:
        data += before
        data += b"\xe8" + struct.pack("<i", STUB - (len(data) + 5)) + b"\xc3"
    data = data.ljust(STUB, b"\x90") + ENDBR64
    return Code(BASE, data + b"\xff\x25" + struct.pack("<i", SLOT - (BASE + len(data) + 6)))


def mov_edi(number: int) -> bytes:
    return b"\xbf" + struct.pack("<I", number)


def test_a_constant_before_each_call_is_found() -> None:
    made = code(mov_edi(318) + b"\x31\xc0", mov_edi(253))
    assert numbers_given([made], {SLOT}) == {318, 253}


def test_a_number_that_is_no_constant_can_be_any() -> None:
    assert numbers_given([code(b"\x89\xc7")], {SLOT}) == ANY_NUMBER


def test_an_address_that_nothing_calls_may_be_called_from_elsewhere() -> None:
    assert numbers_given([code()], {SLOT}) == ANY_NUMBER


def test_calls_through_the_slot_itself_count() -> None:
    before = mov_edi(60)
    call = b"\xff\x15" + struct.pack("<i", SLOT - (BASE + len(before) + 6))
    assert numbers_given([Code(BASE, before + call)], {SLOT}) == {60}
