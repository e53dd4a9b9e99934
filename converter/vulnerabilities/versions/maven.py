"""Maven's order of versions (POM reference, "Version Order Specification").

A version is cut at `.`, `-`, `_` and between digits and letters, where the cut counts as `-`. Parts
that say nothing (0, "final", "ga", "release") are left out before a `-` and at the end.
"""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import Any

_WORDS = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_ALIASES = {"ga": "", "final": "", "release": "", "cr": "rc"}
_BEFORE_A_NUMBER = {"a": "alpha", "b": "beta", "m": "milestone"}
_RELEASE = _WORDS.index("")
_TOKEN = re.compile(r"([.\-_]?)([0-9]+|[a-z]+)")

Token = tuple[str, str]  # "-" or ".", and the value: digits, or a word; "" is one that says nothing


def key(version: str) -> Any:
    text = version.strip().lower()
    if not re.fullmatch(r"[0-9a-z.\-_+]+", text) or not re.search(r"[0-9a-z]", text):
        raise ValueError(f"{version!r} is no version of a Maven artifact")
    return _ordered(_trimmed(_tokens(text)))


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    found = list(
        _TOKEN.finditer(re.sub(r"[.\-_+]*[.\-_+](?=[0-9a-z])", lambda cut: cut[0][-1], text))
    )
    for index, match in enumerate(found):
        separator = "." if match[1] == "." else "-"
        value = _ALIASES.get(match[2], match[2])
        is_number_next = index + 1 < len(found) and found[index + 1][0][:1].isdecimal()
        if is_number_next:
            value = _BEFORE_A_NUMBER.get(value, value)
        tokens.append((separator if index else ".", value))
    return tokens


def _says_nothing(token: Token) -> bool:
    return token[1] == "" or (token[1].isdecimal() and int(token[1]) == 0)


def _trimmed(tokens: list[Token]) -> tuple[Token, ...]:
    """Of each run up to a `-`, without what says nothing at its end."""
    kept: list[Token] = []
    for token in reversed(tokens):
        is_at_end = not kept or kept[-1][0] == "-"
        if not (is_at_end and _says_nothing(token)):
            kept.append(token)
    return tuple(reversed(kept))


@cmp_to_key
def _ordered(one: tuple[Token, ...], other: tuple[Token, ...]) -> int:
    for left, right in zip_longest(one, other):
        weights = (_weight(left, right), _weight(right, left))
        if weights[0] != weights[1]:
            return -1 if weights[0] < weights[1] else 1
    return 0


def _weight(token: Token | None, beside: Token | None) -> tuple[int, int, str]:
    """Words that are known, then others, then `-` and a number, then `.` and a number; what is
    missing weighs as what says nothing, with the separator of the other one."""
    if token is None:
        assert beside is not None
        separator, value = beside[0], "0" if beside[1].isdecimal() else ""
    else:
        separator, value = token
    if value.isdecimal():
        return (3 if separator == "." else 2), int(value), ""
    if value in _WORDS:
        return 0, _WORDS.index(value), ""
    return 1, 0, value
