"""RubyGems' order of versions (Gem::Version): runs of digits and of letters, letters earlier than
any number, and what is missing is 0.
"""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import Any

_VERSION = re.compile(r"[0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")


def key(version: str) -> Any:
    """`-` begins what comes before a release: 1.0-a is 1.0.pre.a."""
    text = version.strip()
    if not _VERSION.fullmatch(text):
        raise ValueError(f"{version!r} is no version of a gem")
    return _ordered(_segments(text.replace("-", ".pre.")))


def _segments(text: str) -> list[str]:
    """Zeros before the first letters, and at the end, are nothing."""
    found = re.findall(r"[0-9]+|[A-Za-z]+", text)
    first = next((at for at, one in enumerate(found) if one.isalpha()), len(found))
    return [*_without_zeros(found[:first]), *_without_zeros(found[first:])]


def _without_zeros(found: list[str]) -> list[str]:
    end = len(found)
    while end and found[end - 1].isdecimal() and int(found[end - 1]) == 0:
        end -= 1
    return found[:end]


@cmp_to_key
def _ordered(one: list[str], other: list[str]) -> int:
    for left, right in zip_longest(one, other, fillvalue="0"):
        weights = (_weight(left), _weight(right))
        if weights[0] != weights[1]:
            return -1 if weights[0] < weights[1] else 1
    return 0


def _weight(segment: str) -> tuple[int, int, str]:
    return (1, int(segment), "") if segment.isdecimal() else (0, 0, segment)
