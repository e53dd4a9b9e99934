"""Bytes as strace(1) quotes them."""

from __future__ import annotations

_ESCAPES = {
    ord('"'): '\\"', ord("\\"): "\\\\", 0x0C: "\\f", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t",
    0x0B: "\\v",
}  # fmt: skip


def text(data: bytes, *, is_cut: bool = False) -> str:
    """In quotes, other than printable bytes in octal as short as what follows allows."""
    shown = "".join(_escaped(byte, data[at + 1 : at + 2]) for at, byte in enumerate(data))
    return f'"{shown}"{"..." * is_cut}'


def _escaped(byte: int, following: bytes) -> str:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    if 0x20 <= byte < 0x7F:
        return chr(byte)
    return f"\\{byte:03o}" if following.isdigit() and following < b"8" else f"\\{byte:o}"


def hexadecimal(data: bytes, *, is_cut: bool = False) -> str:
    shown = "".join(f"\\x{byte:02x}" for byte in data)
    return f'"{shown}"{"..." * is_cut}'
