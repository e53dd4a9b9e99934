"""The directories that whoever made the image made for its program.

A program that no package brought computes names of files beside it, from its own path or from its
working directory, and nothing of that can be read in it. Belonging to it are: the whole of the
outermost directory around it that is not everyone's (for /srv/app/bin/main.js, /srv/app), every
directory of the root that neither hier(7) nor a package knows (/app, /static, /migrations), files
that lie in the root itself, and what has its name in its prefix or in /etc (for
/usr/local/bin/NAME, /usr/local/share/NAME).

Packages' programs are not looked at: they say where their files are, or a package does.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from .. import elf
from ..known_programs import SHELLS
from ..model import Entrypoint, Node, NodeType, Package, Tree
from .shared_directories import SharedDirectories

_WORD_ENDS = re.compile(r"[\s=,;:'\"]+")
_NOT_FILES = ("PATH", "HOME", "PWD", "OLDPWD")  # what every process is given
# Where every package has a directory, and none is a program's own.
_MADE_BY_TOOLS = ("/nix", "/gnu")
_NAMED_AFTER = ("etc", "lib", "libexec", "share", "var/lib")  # below a prefix (hier(7))
_FIRST_LINE_BYTES = 256  # BINPRM_BUF_SIZE, execve(2) § Interpreter scripts


def words_of(text: str) -> list[str]:
    """What in an argument or a variable could be a path: lists and options are taken apart."""
    return [word for word in _WORD_ENDS.split(text) if word]


def variables(entrypoint: Entrypoint) -> Iterator[tuple[str, str]]:
    """Name and value of those that may name files."""
    for entry in entrypoint.env:
        name, _, value = entry.partition("=")
        if name not in _NOT_FILES:
            yield name, value


class OwnPlaces:
    """Answers for one image."""

    def __init__(self, tree: Tree, owned: Mapping[str, tuple[Package, ...]]) -> None:
        self._tree = tree
        self._owned = owned
        self._shared = SharedDirectories(owned)

    def around(self, path: str) -> str | None:
        """The outermost directory around a path, or at it, that is its own program's alone."""
        node = self._tree.resolve(path)
        if node is None or node.path in self._owned:
            return None
        directory = node.path if node.type is NodeType.DIRECTORY else posixpath.dirname(node.path)
        found = None
        while not self._shared.is_shared(directory) and directory not in _MADE_BY_TOOLS:
            found, directory = directory, posixpath.dirname(directory)
        return found

    def of_program(self, paths: Iterable[str]) -> dict[str, str]:
        """The places of what is no package's among these; each with the reason."""
        found: dict[str, str] = {}
        for path in paths:
            if path in self._owned:
                continue
            if around := self.around(path):
                found[around] = f"the directory of {path}, which no package owns"
            for place in self._in_root():
                found.setdefault(place, f"made for {path}, which no package owns")
        return found

    def named_after(self, exe: str) -> Iterator[str]:
        """What has the program's name where programs of its prefix have theirs; below /usr, where
        a package would have said which files are whose, a name alone says nothing."""
        prefix, binaries = posixpath.split(posixpath.dirname(exe))
        if exe in self._owned or prefix in ("/", "/usr") or binaries not in ("bin", "sbin"):
            return
        for top in (*(posixpath.join(prefix, name) for name in _NAMED_AFTER), "/etc", "/var/lib"):
            path = posixpath.join(top, posixpath.basename(exe))
            if self._tree.resolve(path) is not None and path not in self._owned:
                yield path

    def _in_root(self) -> Iterator[str]:
        for node in self._tree.children("/"):
            is_known = node.path in self._owned or self._shared.is_shared(node.path)
            is_data = elf.kind(node) is None and not is_for_shell(node)
            is_place = node.type is NodeType.DIRECTORY or (node.type is NodeType.FILE and is_data)
            if is_place and not is_known and node.path not in _MADE_BY_TOOLS:
                yield node.path


def is_for_shell(node: Node) -> bool:
    """Whether a file is a shell's script (execve(2)): shells are not kept, and what would run it is
    one."""
    if node.type is not NodeType.FILE or node.content is None:
        return False
    with node.content.open() as file:
        line = file.read(_FIRST_LINE_BYTES).partition(b"\n")[0]
    words = line.removeprefix(b"#!").decode("utf-8", "replace").split()
    return line.startswith(b"#!") and any(posixpath.basename(word) in SHELLS for word in words)
