"""The words of a configuration file that could name files, whatever its syntax.

No grammar of any program is known here: comments are taken out, and what stands between blanks,
quotes and punctuation is a word. A word matters only when it turns out to be a path of the image,
so a word too many costs a lookup and a word too few is a file too few.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAXIMUM_CONFIG_BYTES = 1 << 18
# `#` and `;` begin a comment at the start of a line or after a blank, `//` at the start only:
# inside a word they are part of a URL, a colour or an anchor.
_COMMENT = re.compile(r"^\s*(?:#|;|//).*$|\s#.*$", re.MULTILINE)
_SEPARATORS = re.compile(r"""[\s"'`=,;:(){}<>|&]+""")
_MAXIMUM_WORD_CHARACTERS = 1024


def text_of(data: bytes) -> str | None:
    """A configuration file's text; None when it is not text or too long to be one."""
    if len(data) > MAXIMUM_CONFIG_BYTES or b"\0" in data:
        return None
    return data.decode("utf-8", "replace")


def without_comments(text: str) -> str:
    """The text with every comment blanked."""
    return _COMMENT.sub("", text)


def words(text: str) -> Iterator[str]:
    """Each word once, in the order met."""
    seen = set()
    for word in _SEPARATORS.split(without_comments(text)):
        if word and len(word) <= _MAXIMUM_WORD_CHARACTERS and word not in seen:
            seen.add(word)
            yield word
