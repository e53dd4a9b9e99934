"""Names of an image in somebody else's syntax: a file may be called anything."""

from __future__ import annotations

import re

from ...printable import visible as visible


class NothingToSayError(Exception):
    """A form that has no way to say nothing."""


# What XML 1.0 § 2.2 has no place for, and terminals and tables do not either.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")


def encodable(text: str) -> str:
    r"""Bytes that are no Unicode are shown as \udcXX, which JSON reads back."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(text: str, most: int | None = None) -> str:
    """Fit for a line of any form: control characters are shown as blanks; `…` is where it ends
    early."""
    line = _CONTROL.sub(" ", encodable(text))
    return line if most is None or len(line) <= most else f"{line[: most - 1]}…"
