"""Text that others wrote, so that on a terminal it is text and nothing else.

An image's command line, paths, variables and output may hold anything: sequences that move the
cursor, hide what follows or fill the clipboard, and line ends that make lines of ours.
"""

from __future__ import annotations

import re
from typing import Any

# What cannot be seen, or changes the order of what is seen: controls, marks of direction (Unicode
# UAX #9), blanks without width, and halves of surrogate pairs, which stand for bytes.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff0-\uffff\ud800-\udfff]"
)
_LINE_ENDS = {"\n": "\\n", "\t": "\\t"}


def visible(text: str) -> str:
    r"""Such a character as \uXXXX; line ends and tabs are left."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: str) -> str:
    r"""With line ends as \n, too."""
    for character, shown in _LINE_ENDS.items():
        text = text.replace(character, shown)
    return visible(text)


def quoted(text: str) -> str:
    """Lines that somebody else printed, each marked as such: none is taken for one of ours, as
    by those who read commands from lines (GitHub's `::error::`)."""
    return "\n".join(f"  | {visible(line)}" for line in text.splitlines())


def values(document: Any) -> Any:
    """The same JSON values, each string in one line."""
    if isinstance(document, str):
        return one_line(document)
    if isinstance(document, dict):
        return {one_line(key): values(value) for key, value in document.items()}
    return [values(one) for one in document] if isinstance(document, list) else document
