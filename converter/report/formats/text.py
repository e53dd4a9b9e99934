"""Names of an image in somebody else's syntax: a file may be called anything."""

from __future__ import annotations

import re


class NothingToSayError(Exception):
    """A form that has no way to say nothing."""


# What XML 1.0 § 2.2 has no place for, and terminals and tables do not either.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")

# What cannot be seen, or changes the order of what is seen: controls, marks of direction (Unicode
# UAX #9), blanks without width, and halves of surrogate pairs, which stand for bytes.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff0-\uffff\ud800-\udfff]"
)


def encodable(text: str) -> str:
    r"""Bytes that are no Unicode are shown as \udcXX, which JSON reads back."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(text: str) -> str:
    """Fit for a line of any form: control characters are shown as blanks."""
    return _CONTROL.sub(" ", encodable(text))


def visible(text: str) -> str:
    r"""Such a character as \uXXXX."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
