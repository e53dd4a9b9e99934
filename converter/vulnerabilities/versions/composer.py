"""The order of PHP packages' versions (PHP's version_compare, which Composer uses):
dev < alpha < beta < RC < the end < a number < pl. Composer fills versions up
to four numbers.
"""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import Any

_FORMS = {"dev": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2, "rc": 3, "pl": 6, "p": 6, "patch": 6}
_END, _NUMBER = 4, 5
_NUMBERS = 4


def key(version: str) -> Any:
    """Branches ("dev-main") have no order."""
    text = re.sub(r"^v(?=[0-9])|\+.*$", "", version.strip().lower())
    if not text[:1].isdecimal():
        raise ValueError(f"{version!r} is no version of a PHP package")
    parts = re.findall(r"[0-9]+|[a-z]+", text)
    if any(part.isalpha() and part not in _FORMS for part in parts):
        raise ValueError(f"{version!r} has a word that versions of PHP packages have not")
    return _ordered(_filled(parts))


def _filled(parts: list[str]) -> list[str]:
    numbers = next((at for at, part in enumerate(parts) if part.isalpha()), len(parts))
    return [*parts[:numbers], *["0"] * (_NUMBERS - numbers), *parts[numbers:]]


@cmp_to_key
def _ordered(one: list[str], other: list[str]) -> int:
    for left, right in zip_longest(one, other, fillvalue=""):
        weights = (_weight(left), _weight(right))
        if weights[0] != weights[1]:
            return -1 if weights[0] < weights[1] else 1
    return 0


def _weight(part: str) -> tuple[int, int]:
    if not part:
        return _END, 0
    return (_NUMBER, int(part)) if part.isdecimal() else (_FORMS[part], 0)
