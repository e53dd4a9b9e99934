"""Semantic versions (semver.org § 11), as npm and Go have them: a `v` before them is nothing, and
missing numbers are 0. Go's own "1.21rc2" is 1.21.0-rc2.
"""

from __future__ import annotations

import re

_VERSION = re.compile(
    r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+)|((?:rc|beta)\d+))?(?:\+[0-9A-Za-z.-]*)?"
)

Identifier = tuple[int, int, str]


def key(version: str) -> tuple[int, int, int, int, tuple[Identifier, ...]]:
    """What comes before a release is earlier than it; numbers are earlier than words."""
    found = _VERSION.fullmatch(version.strip())
    if found is None:
        raise ValueError(f"{version!r} is no semantic version")
    major, minor, patch = (int(found[number] or 0) for number in (1, 2, 3))
    before = found[4] or _spaced(found[5] or "")
    identifiers = tuple(_identifier(one) for one in before.split(".")) if before else ()
    return major, minor, patch, 0 if before else 1, identifiers


def _spaced(text: str) -> str:
    """ "rc2" -> "rc.2", as OSV writes Go's."""
    return re.sub(r"(\D)(\d)", r"\1.\2", text)


def _identifier(text: str) -> Identifier:
    return (0, int(text), "") if text.isdecimal() else (1, 0, text)
