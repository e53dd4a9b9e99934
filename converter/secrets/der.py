"""Elements of DER (ITU-T X.690 § 8, § 10), taken apart by their lengths and nothing else.

Only definite lengths, in their shortest form, and tags of one byte: what keys are made of.
"""

from __future__ import annotations

from dataclasses import dataclass

INTEGER, BIT_STRING, OCTET_STRING, OBJECT, SEQUENCE = 0x02, 0x03, 0x04, 0x06, 0x30
_MOST_ELEMENTS = 64  # of a key: RSA's nine are the most
_MOST_LENGTH_BYTES = 4
_LONG = 0x80  # X.690 § 8.1.3.5


@dataclass(frozen=True, slots=True)
class Element:
    tag: int
    content: bytes


def elements(data: bytes) -> tuple[Element, ...]:
    """The elements that `data` consists of to its last byte. Raises ValueError."""
    found: list[Element] = []
    at = 0
    while at < len(data):
        content, end = _content(data, at + 1)
        found.append(Element(data[at], data[content:end]))
        if len(found) > _MOST_ELEMENTS:
            raise ValueError("too many elements")
        at = end
    return tuple(found)


def _content(data: bytes, at: int) -> tuple[int, int]:
    """Where it begins and ends, by the length at `at`."""
    if at >= len(data):
        raise ValueError("no length")
    first = data[at]
    start, length = at + 1, first
    if first >= _LONG:
        digits = first - _LONG
        if not 1 <= digits <= _MOST_LENGTH_BYTES:
            raise ValueError("a length of no size that a file has")
        start = at + 1 + digits
        length = int.from_bytes(data[at + 1 : start])
        if length < _LONG or length >> 8 * (digits - 1) == 0:
            raise ValueError("not the shortest form of its length")
    if start + length > len(data):
        raise ValueError("longer than what it is in")
    return start, start + length
