"""Where the dynamic linker would find a library (ld.so(8); musl ldso/dynlink.c).

Gives every file it could choose: on glibc the choice between `glibc-hwcaps` variants is made by
the CPU the guest will run on, so all of them are named. Legacy hwcaps directories ("tls",
"haswell"), gone since glibc 2.37, are not searched.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from .. import library_cache
from ..model import ElfFile, Node, NodeType, Tree

# Debian's, then the multilib ones: the trusted directories built into ld.so.
_GLIBC_DIRECTORIES = (
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
)
_MUSL_DIRECTORIES = ("/lib", "/usr/local/lib", "/usr/lib")
_HWCAPS = ("x86-64-v4", "x86-64-v3", "x86-64-v2")
# musl's own names for what its libc holds (ldso/dynlink.c, load_library: "reserved").
_MUSL_RESERVED = re.compile(r"lib(c|pthread|rt|m|dl|util|xnet|c\.musl-x86_64)\.so(\.\d+)?")


class LibrarySearch:
    """The rules of one program's dynamic linker."""

    def __init__(self, tree: Tree, interpreter: str, library_path: str) -> None:
        self._tree = tree
        self._interpreter = interpreter
        self._library_path = tuple(entry for entry in re.split("[:;]", library_path) if entry)
        self.is_musl = posixpath.basename(interpreter).startswith("ld-musl-")
        self._directories: tuple[str, ...] = _GLIBC_DIRECTORIES
        self._cache = (
            {}
            if self.is_musl
            else library_cache.read_library_cache(_content(tree, library_cache.PATH))
        )
        if self.is_musl:
            configured = _content(tree, "/etc/ld-musl-x86_64.path").decode("utf-8", "replace")
            self._directories = (
                tuple(re.split("[:\n]+", configured.strip())) if configured else (_MUSL_DIRECTORIES)
            )

    def find(self, name: str, chain: tuple[ElfFile, ...]) -> tuple[str, ...]:
        """Paths for `name`, needed by chain[-1], which chain[-2] loaded, and so on up."""
        if "/" in name:
            path = _expanded(name, chain[-1])
            return (path,) if self._is_file(path) else ()
        if self.is_musl and _MUSL_RESERVED.fullmatch(name):
            return (self._interpreter,)
        for directory in self._before_cache(chain):
            if found := self._in_directory(directory, name):
                return found
        cached = tuple(path for path in self._cache.get(name, ()) if self._is_file(path))
        if cached:
            return cached
        for directory in self._directories:
            if found := self._in_directory(directory, name):
                return found
        return ()

    def _before_cache(self, chain: tuple[ElfFile, ...]) -> Iterator[str]:
        """DT_RPATH of the chain unless DT_RUNPATH is there, LD_LIBRARY_PATH, DT_RUNPATH."""
        requester = chain[-1]
        if self.is_musl:  # both tags mean the same and are inherited
            yield from self._library_path
            for elf in reversed(chain):
                yield from (_expanded(entry, elf) for entry in (elf.runpath or elf.rpath))
            return
        if not requester.runpath:
            for elf in reversed(chain):
                if not elf.runpath:
                    yield from (_expanded(entry, elf) for entry in elf.rpath)
        yield from self._library_path
        yield from (_expanded(entry, requester) for entry in requester.runpath)

    def _in_directory(self, directory: str, name: str) -> tuple[str, ...]:
        variants = (
            [] if self.is_musl else [f"{directory}/glibc-hwcaps/{level}" for level in _HWCAPS]
        )
        candidates = (posixpath.join(place, name) for place in (*variants, directory))
        return tuple(path for path in candidates if self._is_file(path))

    def _is_file(self, path: str) -> bool:
        node = self._tree.resolve(path)
        return node is not None and node.type is NodeType.FILE


def _expanded(entry: str, elf: ElfFile) -> str:
    """Dynamic string tokens (ld.so(8)); $LIB as Debian builds it."""
    values = {
        "ORIGIN": posixpath.dirname(elf.path),
        "LIB": "lib/x86_64-linux-gnu",
        "PLATFORM": "x86_64",
    }
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda m: values.get(m[1] or m[2], m[0]), entry)


def _content(tree: Tree, path: str) -> bytes:
    node: Node | None = tree.resolve(path)
    if node is None or node.type is not NodeType.FILE or node.content is None:
        return b""
    return node.content.read()
