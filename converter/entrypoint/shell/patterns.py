"""Shell patterns (XCU § 2.13) as regular expressions.

Bash's extended ones are read as far as `?(…)` and `@(…)`; a pattern or a text with characters
outside ASCII is not, for what a character is depends on the locale. Nor is a match that could take
long: a script may be hostile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z",
    "space": r"\s", "blank": r" \t", "xdigit": "0-9a-fA-F", "punct": r"!-/:-@\[-`{-~",
}  # fmt: skip
_BRACKET = re.compile(r"\[([!^]?)(\]?(?:\[:\w+:\]|[^\]])*)\]")
_EXTENDED = {"?": "?", "@": ""}
_MAXIMUM_STEPS = 10_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a pattern; what is quoted stands for itself."""

    text: str
    is_quoted: bool


def has_magic(parts: Sequence[Part]) -> bool:
    """Whether any character of the pattern is special."""
    return any(not part.is_quoted and re.search(r"[*?\[]", part.text) for part in parts)


def expression(parts: Sequence[Part]) -> str | None:
    """The regular expression, None when the pattern is not read here."""
    # Quoted characters are moved out of the way to where no pattern character is.
    marked = "".join(_marked(part) for part in parts)
    if not all(part.text.isascii() for part in parts):
        return None
    return _translated(marked)


def is_quick(expression_text: str, text: str) -> bool:
    """Whether matching takes a bounded time: it tries every place for every `*`."""
    repeats = len(re.findall(r"[*+]", expression_text))
    return repeats < 20 and int(len(text) ** repeats) <= _MAXIMUM_STEPS


def matches(parts: Sequence[Part], text: str) -> bool | None:
    """Whether the whole text matches; None when that is not known."""
    found = expression(parts)
    if found is None or not text.isascii() or not is_quick(found, text):
        literal = "".join(part.text for part in parts)
        return literal == text if not has_magic(parts) else None
    return re.fullmatch(found, text, re.DOTALL) is not None


_QUOTED = 0xE000  # private use: no ASCII pattern holds these


def _marked(part: Part) -> str:
    if not part.is_quoted:
        return part.text
    return "".join(
        chr(_QUOTED + ord(letter)) if letter.isascii() else letter for letter in part.text
    )


def _plain(letter: str) -> str:
    return chr(ord(letter) - _QUOTED) if ord(letter) >= _QUOTED else letter


def _translated(pattern: str) -> str | None:
    pieces: list[str] = []
    closings: list[str] = []
    position = 0
    while position < len(pattern):
        letter = pattern[position]
        if letter in "?*+@!" and pattern[position + 1 : position + 2] == "(":
            if letter not in _EXTENDED:
                return None
            pieces.append("(?:")
            closings.append(")" + _EXTENDED[letter])
            position += 2
            continue
        bracket = _BRACKET.match(pattern, position) if letter == "[" else None
        if bracket:
            pieces.append(_bracket(bracket))
            position = bracket.end()
            continue
        if closings and letter in "|)":
            pieces.append("|" if letter == "|" else closings.pop())
        else:
            pieces.append({"*": ".*", "?": "."}.get(letter) or re.escape(_plain(letter)))
        position += 1
    return None if closings else "".join(pieces)


def _bracket(match: re.Match[str]) -> str:
    """`[…]` with its classes; a quoted character in it is one of the set."""
    inside = "".join(
        _CLASSES.get(part[2:-2], "") if part.startswith("[:") else _set_member(part)
        for part in re.findall(r"\[:\w+:\]|.", match[2], re.DOTALL)
    )
    return f"[{'^' if match[1] else ''}{inside}]"


def _set_member(letter: str) -> str:
    if letter == "-":
        return "-"
    return re.escape(_plain(letter))
