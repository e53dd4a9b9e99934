"""Alpine's order of versions (apk-package(5), "pkgver"):

    number{.number}...{letter}{_suffix{number}}...{~hash}{-r#}

Suffixes from early to late: _alpha, _beta, _pre, _rc, none, _cvs, _svn, _git, _hg, _p. Numbers
after the first that begin with 0 are compared like fractions, as text.
"""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import Any

_VERSION = re.compile(
    r"([0-9]+)((?:\.[0-9]+)*)([a-z]?)((?:_[a-z]+[0-9]*)*)((?:~[0-9a-f]+)?)((?:-r[0-9]+)?)"
)
_EARLY = ("alpha", "beta", "pre", "rc")
_SUFFIXES = (*_EARLY, "", "cvs", "svn", "git", "hg", "p")

# Kinds of tokens. Where two versions have different ones, the one with the lower kind is later.
_FIRST, _NUMBER, _LETTER, _SUFFIX, _SUFFIX_NUMBER, _HASH, _REVISION, _END = range(8)

Token = tuple[int, str]


def key(version: str) -> Any:
    """Compares as `apk version -t` does."""
    return _Ordered(_tokens(version.strip()))


def _tokens(version: str) -> tuple[Token, ...]:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ValueError(f"{version!r} is no version of an Alpine package")
    tokens: list[Token] = [(_FIRST, found[1])]
    tokens += [(_NUMBER, number) for number in found[2].split(".")[1:]]
    tokens += [(_LETTER, found[3])] if found[3] else []
    for name, number in re.findall(r"_([a-z]+)([0-9]*)", found[4]):
        if name not in _SUFFIXES:
            raise ValueError(f"{version!r} is no version of an Alpine package: _{name}")
        tokens += [(_SUFFIX, name), *([(_SUFFIX_NUMBER, number)] if number else [])]
    tokens += [(_HASH, found[5])] if found[5] else []
    tokens += [(_REVISION, found[6][2:])] if found[6] else []
    return tuple(tokens)


@cmp_to_key
def _Ordered(one: tuple[Token, ...], other: tuple[Token, ...]) -> int:  # noqa: N802  a type of keys
    for left, right in zip_longest(one, other, fillvalue=(_END, "")):
        if left == right:
            continue
        if left[0] == right[0]:
            compared = _values(left, right)
            if compared:
                return compared
        elif _is_early(left) or _is_early(right):
            return -1 if _is_early(left) else 1
        else:
            return right[0] - left[0]
    return 0


def _is_early(token: Token) -> bool:
    return token[0] == _SUFFIX and token[1] in _EARLY


def _values(left: Token, right: Token) -> int:
    kind, one, other = left[0], left[1], right[1]
    if kind == _SUFFIX:
        return _SUFFIXES.index(one) - _SUFFIXES.index(other)
    is_fraction = kind == _NUMBER and (one.startswith("0") or other.startswith("0"))
    if is_fraction or kind in (_LETTER, _HASH):
        return (one > other) - (one < other)
    return (int(one) > int(other)) - (int(one) < int(other))
