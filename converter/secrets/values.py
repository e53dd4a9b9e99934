"""Whether a value with a name, of a variable or a label, is a secret or holds one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from math import log2

from . import commands
from .forms import Match, form_of, search_text
from .names import is_told, words_of

BY_NAME = "its name says so"
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")
_RANDOM = re.compile(r"(?=.*[0-9])(?:[0-9a-fA-F]{32,}|(?=.*[a-z])(?=.*[A-Z])[\w+/-]{32,}={0,2})")
_BITS_OF_DIGITS, _BITS = 3.0, 4.0
# What is as random and public: commits, digests, fingerprints, public keys, numbers of things.
_NO_KEY = re.compile(
    r"COMMIT|SHA[0-9]*|MD5|DIGEST|HASH|SUM|REV|VERSION|REF|TAG|FINGERPRINT|PUB|GPG|GUID|UUID"
    r"|BUILD|(?:^|_)(?:ID|KEYS)$"
)


def reason(name: str, value: str) -> str | None:
    """Why it looks like a secret; None when it does not."""
    form = form_of(value)
    if form is not None:
        return form
    if is_told(name, value):
        return BY_NAME
    inside = next(_inside(value), None)
    return inside.kind if inside is not None else None


def named(env: Iterable[str]) -> dict[str, str]:
    """The variables ("NAME=value") that look like secrets, with their values."""
    pairs = (entry.partition("=")[::2] for entry in env)
    return {name: value for name, value in pairs if reason(name, value) is not None}


def unsaid(env: Iterable[str]) -> set[str]:
    """Of the variables, what no text may have: secrets, parts that are one, what may be one."""
    pairs = [entry.partition("=")[::2] for entry in env]
    whole = {value for name, value in pairs if reason(name, value) or is_doubtful(name, value)}
    return whole | {part(name, value) for name, value in pairs if value in whole}


def part(name: str, value: str) -> str:
    """What of a secret's value is it: `-Dpassword=…` is an option with one."""
    form = next(search_text(value), None)
    one = form if form is not None or is_told(name, value) else next(_inside(value), None)
    return value if one is None else value[one.start : one.end]


def is_doubtful(name: str, value: str) -> bool:
    """Whether it is as random as a key, and its name does not say what it is."""
    words = words_of(name)
    return _RANDOM.fullmatch(value) is not None and not _NO_KEY.search(words) and _is_even(value)


def _is_even(value: str) -> bool:
    """Near to the most bits a character that so few can have (Shannon)."""
    counts = Counter(value)
    bits = -sum(n / len(value) * log2(n / len(value)) for n in counts.values())
    return bits >= (_BITS_OF_DIGITS if _HEXADECIMAL.fullmatch(value) else _BITS)


def _inside(value: str) -> Iterator[Match]:
    """Options, or what a connection string says."""
    return commands.find(value) if "=" in value or " " in value else iter(())
