"""The growing set of paths a program needs, each with the first reason it was found by.

The one mutable value of this stage: every finder adds to it and reads the tree through it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from ..model import Node, NodeType, Tree

# Filled by the runtime at boot, as by docker: nothing an image holds there is ever used.
_ACCOUNT_FILES = frozenset(("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"))
_RUNTIME_PATHS = ("/dev", "/proc", "/sys", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
_MAXIMUM_LINKS = 40  # as Linux, path_resolution(7)


class Needs:
    """Paths with reasons, and what could not be decided."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.reasons: dict[str, str] = {}
        self.left_out: dict[str, str] = {}  # what is not to come with its directory, and why
        self.findings: list[str] = []

    def add(self, path: str, because: str) -> Node | None:
        """Need what `path` leads to and every symlink on the way; the file or directory it ends
        in. A symlink that ends outside the image (a log on /dev/stdout) is needed all the same."""
        for _ in range(_MAXIMUM_LINKS):
            node = None if is_of_runtime(path) else self.at(path)
            if node is None:
                return None
            self._add_links_to_directory(path)
            self.reasons.setdefault(node.path, because)
            if node.type is not NodeType.SYMLINK:
                return node
            target = posixpath.join(posixpath.dirname(node.path), node.target or "")
            path = posixpath.normpath(target)
            because = f"where the symlink {node.path} leads"
        return None

    def at(self, path: str) -> Node | None:
        """The node at `path`, symlinks followed in its directory but not in its last name."""
        parent, name = posixpath.split(posixpath.normpath(path))
        directory = self.tree.resolve(parent)
        if not name or directory is None:
            return directory
        return self.tree.get(posixpath.join(directory.path, name))

    def _add_links_to_directory(self, path: str) -> None:
        for passed in self.tree.chain(posixpath.dirname(path)):
            node = self.tree.get(passed)
            if node is not None and node.type is NodeType.SYMLINK:
                self.reasons.setdefault(passed, f"symlink on the way to {path}")

    def files_below(self, directory: Node) -> Iterator[Node]:
        """Every node below a directory, parents first."""
        pending = [directory]
        while pending:
            for child in self.tree.children(pending.pop().path):
                yield child
                if child.type is NodeType.DIRECTORY:
                    pending.append(child)

    def note(self, finding: str) -> None:
        if finding not in self.findings:
            self.findings.append(finding)


def is_of_runtime(path: str) -> bool:
    """Whether the runtime, not the image, decides what is at this path."""
    return any(path == top or path.startswith(f"{top}/") for top in _RUNTIME_PATHS)


def is_account_file(path: str) -> bool:
    """Whether that accounts are looked up, and not that something names it, is what keeps it."""
    return path in _ACCOUNT_FILES
