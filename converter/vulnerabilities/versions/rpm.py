"""rpm's order of versions (rpm-version(7)): epoch, version, release.

Both strings are taken apart into runs of digits and of letters; what separates them does not count.
Digits are later than letters, `~` is earlier than the end, `^` later than the end and earlier than
anything else.
"""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import Any

_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+|[~^]")
# What a segment is, from early to late; the end of a string is among them.
_TILDE, _END, _CARET, _LETTERS, _DIGITS = range(5)


def key(version: str) -> Any:
    """Compares as `rpm.labelCompare` does. A version without release is compared without."""
    if not version.strip():
        raise ValueError("an empty string is no version of an rpm package")
    return _labels(version.strip())


def key_without_epoch(version: str) -> Any:
    """For a version of which nobody says the epoch: none is compared."""
    return key(re.sub(r"^\s*[0-9]+:", "", version))


@cmp_to_key
def _labels(one: str, other: str) -> int:
    (epoch, version, release), (other_epoch, other_version, other_release) = (
        _taken_apart(one), _taken_apart(other),
    )  # fmt: skip
    if epoch != other_epoch:
        return epoch - other_epoch
    compared = compare(version, other_version)
    if compared or not release or not other_release:
        return compared
    return compare(release, other_release)


def _taken_apart(text: str) -> tuple[int, str, str]:
    epoch, separator, rest = text.partition(":")
    if not separator or not epoch.isdecimal():
        epoch, rest = "0", text
    version, _, release = rest.partition("-") if rest.count("-") == 1 else _at_last_dash(rest)
    return int(epoch), version, release


def _at_last_dash(text: str) -> tuple[str, str, str]:
    version, separator, release = text.rpartition("-")
    return (version, separator, release) if separator else (text, "", "")


def compare(one: str, other: str) -> int:
    """rpmvercmp: below 0 when `one` is the earlier one."""
    segments = zip_longest(_SEGMENT.findall(one), _SEGMENT.findall(other), fillvalue="")
    for left, right in segments:
        kind, other_kind = _kind(left), _kind(right)
        if kind != other_kind:
            return kind - other_kind
        values = (int(left), int(right)) if kind == _DIGITS else (left, right)
        if values[0] != values[1]:
            return -1 if values[0] < values[1] else 1  # type: ignore[operator]
    return 0


def _kind(segment: str) -> int:
    if not segment:
        return _END
    if segment in "~^":
        return _TILDE if segment == "~" else _CARET
    return _DIGITS if segment.isdecimal() else _LETTERS
