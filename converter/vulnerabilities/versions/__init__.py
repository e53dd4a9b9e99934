"""Which of two versions is the earlier one: each ecosystem has rules of its own.

`order(ecosystem)` gives a function from a version to what can be compared with another; it raises
ValueError for what is no version there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from packaging.version import Version

from . import apk, composer, deb, gem, maven, rpm, semver

Key = Callable[[str], Any]

# By type of purl.
_ORDERS: dict[str, Key] = {
    "deb": deb.key,
    "apk": apk.key,
    "rpm": rpm.key,
    "pypi": Version,  # PEP 440
    "npm": semver.key,
    "golang": semver.key,
    "cargo": semver.key,
    "maven": maven.key,
    "gem": gem.key,
    "composer": composer.key,
}


def order(ecosystem: str) -> Key | None:
    """None for an ecosystem whose versions cannot be compared here."""
    return _ORDERS.get(ecosystem)


@lru_cache(maxsize=1 << 16)
def rank(version: str, key: Key) -> Any:
    """What of a version is compared; None for what is none. Records repeat each other's."""
    try:
        return key(version)
    except ValueError:
        return None
