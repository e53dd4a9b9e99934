"""What module trees hold for their authors and for installing: tests, caches, build tools.

It is left out where no module that stays, no argument and no variable names it in the way that
languages name modules. A module tree's own tests are of interest to its own modules, or to who says
the name of the tree before theirs; a directory that lies beside other trees, as Python's `test` and
pip do, may be loaded by anybody. A directory of such a name that has no module in it is data, and
stays.

Not seen is a name that is put together from pieces: `--keep` has the last word.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..model import NodeType, Tree

_TESTS = ("tests", "test", "__tests__", "spec", "idle_test")
_CACHES = (".cache", ".pytest_cache", ".mypy_cache", ".ruff_cache", "_cacache")
_BUILD_TOOLS = (
    "pip", "setuptools", "_distutils_hack", "pkg_resources", "wheel", "distutils", "ensurepip",
    "lib2to3", "idlelib", "npm", "corepack", "node-gyp", "ExtUtils", "CPAN", "TAP",
)  # fmt: skip
_KINDS = {
    **dict.fromkeys(_TESTS, "tests of a module tree"),
    **dict.fromkeys(_CACHES, "a cache in a module tree"),
    **dict.fromkeys(_BUILD_TOOLS, "a build tool"),
}
# How source says a module's name, by what is before it: loading it, below where it is, behind
# another name, perhaps as the last of several.
_IMPORTING = rb"\s+import\s+[(\w\s,]*?"
_STATED = re.compile(rb"(?:^|\n)\s*(?:import|from|require|require_relative|use)\s+\Z")
_LOADED = re.compile(rb"(?:\b(?:import|import_module|__import__|require)\s*\(|\bfrom)\s*['\"]\Z")
_BELOW = re.compile(rb"(?<![A-Za-z0-9_])\.*(?:[./]|\." + _IMPORTING + rb")\Z")
_BEHIND = re.compile(
    rb"([A-Za-z0-9_-]+)(?:['\"]\s*,\s*['\"]|::|[./]|" + _IMPORTING + rb"(?<=[\s(,]))\Z"
)
_AS_STRING, _END_OF_STRING, _DOTTED = (b"'", b'"'), re.compile(rb"['\"/]"), re.compile(rb"\.\w")
_LETTER = re.compile(rb"[A-Za-z0-9_]")
_LOOKED_BACK_BYTES = 200
# Compiled code keeps names without what was around them.
_COMPILED = (".pyc", ".jar", ".jmod", ".class", ".beam", ".luac", ".go.bytecode")
_PROGRAM = ""  # who names it, where the program's own words do
_BESIDE_ITS_SOURCE = "/__pycache__/"  # not loaded without it (PEP 3147)
# A directory whose modules have its name before theirs, in Python and Node.
_PACKAGE_FILES = ("__init__.py", "package.json")
_MAXIMUM_MODULE_BYTES = 16 << 20  # more is no text


@dataclass(frozen=True, slots=True)
class _Name:
    """One of the names above, as it is said somewhere."""

    name: str
    is_loaded: bool = True  # or said in a way that nothing is loaded by
    before: str = ""  # the name it is said behind


@dataclass(frozen=True, slots=True)
class _Directory:
    path: str
    is_of_package: bool  # and not beside others, where anybody may load it

    @property
    def is_cache(self) -> bool:
        return posixpath.basename(self.path) in _CACHES

    def is_meant(self, said: _Name, by: str) -> bool:
        parent, name = posixpath.split(self.path)
        if said.name != name or by == _PROGRAM:
            return said.name == name
        if said.before:
            return said.before == posixpath.basename(parent)
        is_own = by.startswith(f"{parent}/")
        return is_own or (said.is_loaded and not self.is_of_package)


def spare(tree: Tree, paths: Iterable[str], modules: Iterable[str], words: bytes) -> dict[str, str]:
    """Of `paths`, those that nobody names, each with what it is. `modules` are the files that may
    name others; `words` is what the program is told."""
    known = frozenset(paths)
    directories = {path: found for path in known if (found := _outermost(tree, path))}
    sources = known.intersection(modules)
    left = {found for path, found in directories.items() if path in sources or found.is_cache}
    if not left:
        return {}
    names = frozenset(posixpath.basename(one.path) for one in left)
    named_by = {path: _named(tree, path, names) for path in sources}
    named_by[_PROGRAM] = frozenset(_Name(name) for name in names if name.encode() in words)
    while named := {one for one in left if _is_named(one, named_by, left)}:
        left -= named
    directories |= {one.path: one for one in left}
    return {
        path: f"{_KINDS[posixpath.basename(found.path)]}, which nothing that is kept names"
        for path, found in directories.items()
        if found in left and path in known
    }


def _outermost(tree: Tree, path: str) -> _Directory | None:
    parts = path.split("/")[:-1]
    for count in range(2, len(parts)):
        if parts[count] in _KINDS:
            parent = "/".join(parts[:count])
            files = (f"{parent}/{name}" for name in _PACKAGE_FILES)
            return _Directory(f"{parent}/{parts[count]}", any(map(tree.get, files)))
    return None


def _is_named(
    directory: _Directory,
    named_by: Mapping[str, frozenset[_Name]],
    left: Iterable[_Directory],
) -> bool:
    """By a file that is in none of the directories that may be left out."""
    spared = tuple(f"{one.path}/" for one in left)
    return any(
        directory.is_meant(said, by)
        for by, names in named_by.items()
        if names and not by.startswith(spared)
        for said in names
    )


def _named(tree: Tree, path: str, names: Iterable[str]) -> frozenset[_Name]:
    node = tree.resolve(path)
    if node is None or node.type is not NodeType.FILE or node.content is None:
        return frozenset()
    if node.size > _MAXIMUM_MODULE_BYTES or _BESIDE_ITS_SOURCE in path:
        return frozenset()
    text = node.content.read()
    if path.endswith(_COMPILED):
        return frozenset(_Name(name) for name in names if name.encode() in text)
    return frozenset(said for name in names for said in _said(name, text))


def _said(name: str, text: bytes) -> Iterator[_Name]:
    """Every way in which a text says a name as a word of its own."""
    word, end = name.encode(), 0
    while (start := text.find(word, end)) >= 0:
        end = start + len(word)
        before = text[max(0, start - _LOOKED_BACK_BYTES) : start]
        if not _LETTER.match(before[-1:]) and not _LETTER.match(text, end):
            yield from _forms(name, before, text, end)


def _forms(name: str, before: bytes, text: bytes, end: int) -> Iterator[_Name]:
    is_string = before.endswith(_AS_STRING)
    if _STATED.search(before) or _LOADED.search(before) or (is_string and _DOTTED.match(text, end)):
        yield _Name(name)
    elif _BELOW.search(before) or (is_string and _END_OF_STRING.match(text, end)):
        yield _Name(name, is_loaded=False)
    if behind := _BEHIND.search(before):
        yield _Name(name, before=behind[1].decode())
