"""Files named in a Go or Rust program: its strings lie end to end, with no NUL between them.

So a name's end is not written down. What is looked for are paths of the image that stand in the
program's bytes, the longest that fits at each place. Directories are not kept for this: too much
fits. Programs of other languages end their strings and are read by program_files.
"""

from __future__ import annotations

import re

from ..model import Entrypoint, NodeType
from .closure import Closure
from .needs import is_of_runtime

_MAXIMUM_PATH_CHARACTERS = 128
# Where files that programs read by a fixed name are; such a program brings its own code.
_TOPS = ("etc", "opt", "srv", "usr/share", "usr/local/share", "var/lib")


def add_joined_names(closure: Closure, entrypoint: Entrypoint) -> None:
    """Need the data files of the image whose paths a program of such a language holds."""
    program = closure.elves[entrypoint.exe]
    if not program.joins_strings:
        return
    tops = "|".join(_TOPS).encode()
    # A lookahead, so that a path may begin inside the text that follows another.
    pattern = rb"(?=(/(?:%s)/[\x21-\x7e]{1,%d}))" % (tops, _MAXIMUM_PATH_CHARACTERS)
    for text in sorted({match[1].decode("ascii") for match in re.finditer(pattern, program.data)}):
        path = _longest_file(closure, text)
        if path is not None and not is_of_runtime(path):
            closure.needs.add(path, f"path written in {entrypoint.exe}")


def _longest_file(closure: Closure, text: str) -> str | None:
    for end in range(len(text), 1, -1):
        node = closure.needs.tree.resolve(text[:end])
        if node is not None and node.type is NodeType.FILE and not node.mode & 0o111:
            return text[:end]
    return None
