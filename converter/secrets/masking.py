"""Texts that are shown, without the secrets in them."""

from __future__ import annotations

from collections.abc import Iterable

from . import commands
from .forms import search_text

MASK = "(a secret)"
_TELLING_CHARACTERS = 4


def masked(text: str, values: Iterable[str]) -> str:
    """The text without these secrets."""
    for value in values:
        if is_told_by((text,), value):
            text = text.replace(value, MASK)
    return text


def is_told_by(texts: Iterable[str], value: str) -> bool:
    """Whether a secret stands in one of the texts; a value too short is in many by accident."""
    return len(value) >= _TELLING_CHARACTERS and any(value in text for text in texts)


def masked_text(text: str) -> str:
    """The text without what looks like a secret where a command, a script or an error has it."""
    matches = [*search_text(text), *commands.hinted(text)]
    return without(text, ((match.start, match.end) for match in matches))


def without(text: str, places: Iterable[tuple[int, int]]) -> str:
    """With a mask at each of these places; what overlaps becomes one."""
    shown: list[str] = []
    done = 0
    for start, end in sorted(places):
        if start >= done:
            shown += text[done:start], MASK
        done = max(done, end)
    return "".join((*shown, text[done:]))
