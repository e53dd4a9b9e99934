"""Values of the report as people read them."""

from __future__ import annotations

import re

# What cannot be seen, or changes the order of what is seen: controls, marks of direction (Unicode
# UAX #9), blanks without width, and halves of surrogate pairs that stand for bytes.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff0-\uffff\ud800-\udfff]"
)
_KIB, _MIB = 1 << 10, 1 << 20


def visible(text: str) -> str:
    r"""Such a character as \uXXXX."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def amount(value: int | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit != "bytes":
        return f"{value:,}"
    if value >= _MIB:
        return f"{value / _MIB:.1f} MiB"
    return f"{value / _KIB:.0f} KiB"


def change(before: int | None, after: int | None) -> str:
    if before is None or after is None or before == after:
        return ""
    return "new" if before == 0 else f"{100 * (after - before) / before:+.0f} %"
