"""Numbers of the report as people read them."""

from __future__ import annotations

from math import copysign

_KIB, _MIB = 1 << 10, 1 << 20


def amount(value: int | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit != "bytes" or value == 0:
        return f"{value:,}"
    if value >= _MIB:
        return f"{value / _MIB:.1f} MiB"
    return f"{value / _KIB:.0f} KiB" if value >= _KIB else f"{value} B"


def change(before: int | None, after: int | None) -> str:
    """In percent; what is not all gone is never said to be, nor what changed to be the same."""
    if before is None or after is None or before == after:
        return ""
    if before == 0:
        return "new"
    percent = 100 * (after - before) / before
    if abs(percent) < 1:
        return f"{copysign(max(abs(percent), 0.1), percent):+.1f} %"
    is_close = after > 0 and percent < -99
    return f"{max(percent, -99.9):+.1f} %" if is_close else f"{percent:+.0f} %"
