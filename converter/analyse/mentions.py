"""What of the kernel's own making (file systems, the vDSO) the kept files and variables name.

A path to /proc has `/proc` in it, or `proc/`; where no byte of what is kept has, no code opens one,
short of spelling it from single letters or being told by somebody outside. Compilers may keep a
constant in instructions, eight bytes at a time: those parts are looked for too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ..content_search import held
from ..contents import Held
from ..model import Content, Entrypoint, NodeType
from .closure import Closure

# What a runtime calls them -> what names them. /dev/fd and /dev/std* lead into /proc (OCI
# runtime-spec, config-linux § default symbolic links).
_NAMES = {
    "/proc": (b"/proc", b"proc/", b"dev/fd", b"dev/std"),
    "/sys": (b"/sys/", b"\0sys/"),
    "/dev/pts": (b"dev/pt", b"ptmx"),
    "vDSO": (b"__vdso_",),  # functions of it are found by their names alone (vdso(7))
}


def mentions(closure: Closure, entrypoint: Entrypoint) -> frozenset[str]:
    """Of all that is needed so far; reading ends where every one is named, as in any C library."""
    found: set[str] = set()
    for content in _contents(closure, entrypoint):
        missing = {name: words for name, words in _NAMES.items() if name not in found}
        if not missing:
            break
        words = held(content, chain.from_iterable(missing.values()))
        found |= {name for name in missing if not words.isdisjoint(missing[name])}
    return frozenset(found)


def _contents(closure: Closure, entrypoint: Entrypoint) -> Iterator[Content]:
    words = "\n".join((*entrypoint.argv, *entrypoint.env, entrypoint.cwd))
    yield Held(words.encode(errors="surrogateescape"))
    for elf in closure.elves.values():
        yield elf.content
    for path in closure.needs.reasons.keys() - closure.elves.keys():
        node = closure.needs.tree.get(path)
        if node is not None and node.type is NodeType.SYMLINK:
            yield Held((node.target or "").encode(errors="surrogateescape"))
        elif node is not None and node.content is not None:
            yield node.content
