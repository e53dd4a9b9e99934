"""How readers of package databases see an image: bounded reads, and paths as the tree has them.

On a merged-/usr system a database says /lib/x for the file at /usr/lib/x: `canonical` follows
links in the parents of a path, never the last component, which is the package's own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from ..model import Node, NodeType, Tree

# Debian's whole archive has a database of some 50 MB; metadata of one package is far below 1 MB.
DATABASE_BYTES = 64 << 20
METADATA_BYTES = 4 << 20
# Of one image, all together: hard links and records that point to one place cost little to write.
_TOTAL_BYTES = 2 << 30
_TOTAL_FILES = 2_000_000


class TooLargeError(Exception):
    """A file that no honest database reaches in size."""


class ImageFiles:
    """The tree, and what has been learned of its directories."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._canonical: dict[str, str] = {}
        self._read_bytes = 0
        self._listed_files = 0

    def canonical(self, path: str) -> str:
        """`path` with links in its parents followed and `.`, `..` and `//` gone."""
        if "/./" in path or "/../" in path or "//" in path or path.endswith(("/", "/.", "/..")):
            path = posixpath.normpath(path).replace("//", "/")
        parent, _, name = path.rpartition("/")
        if not name:
            return "/"
        known = self._canonical.get(parent)
        if known is None:
            node = self.tree.resolve(parent or "/")
            known = (node.path if node is not None else parent).rstrip("/")
            self._canonical[parent] = known
        return f"{known}/{name}"

    def canonicals(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Each once, in order."""
        return tuple(sorted({self.canonical(path) for path in paths}))

    def bytes_at(self, path: str, limit: int = DATABASE_BYTES) -> bytes | None:
        """The content of a file; None when there is none. Raises TooLargeError."""
        return self.bytes_of(self.tree.resolve(path), limit)

    def bytes_of(self, node: Node | None, limit: int = METADATA_BYTES) -> bytes | None:
        if node is None or node.type is not NodeType.FILE or node.content is None:
            return None
        if node.content.size > limit:
            raise TooLargeError(f"it has {node.content.size} bytes; at most {limit} are read")
        self.spend(node.content.size)
        return node.content.read()

    def spend(self, size_bytes: int) -> None:
        """Count what is read. Raises TooLargeError when it is more than records can be."""
        self._read_bytes += size_bytes
        if self._read_bytes > _TOTAL_BYTES:
            raise TooLargeError(f"more than {_TOTAL_BYTES} bytes of records")

    def text_at(self, path: str, limit: int = DATABASE_BYTES) -> str | None:
        return _text(self.bytes_at(path, limit))

    def text_of(self, node: Node | None, limit: int = METADATA_BYTES) -> str | None:
        return _text(self.bytes_of(node, limit))

    def files_below(self, directory: str, *, but: str = "") -> tuple[str, ...]:
        """What lies in a directory and its directories and is none; those named `but` are not
        entered."""
        return tuple(self._below(directory, but))

    def _below(self, directory: str, but: str) -> Iterator[str]:
        waiting = [directory]
        while waiting:
            for node in self.tree.children(waiting.pop()):
                if node.type is not NodeType.DIRECTORY:
                    self._listed_files += 1
                    if self._listed_files > _TOTAL_FILES:
                        raise TooLargeError(f"packages have more than {_TOTAL_FILES} files")
                    yield node.path
                elif posixpath.basename(node.path) != but:
                    waiting.append(node.path)


def is_content(node: Node | None, tree: Tree) -> bool:
    """Whether a path is a file of its package. Directories are nobody's, nor is a link that leads
    to one (/lib), which many packages list."""
    if node is None or node.type is NodeType.DIRECTORY:
        return False
    if node.type is NodeType.SYMLINK:
        target = tree.resolve(node.path)
        return target is None or target.type is not NodeType.DIRECTORY
    return True


def _text(data: bytes | None) -> str | None:
    """Names of files need not be Unicode: surrogates keep their bytes, as the tree's paths do."""
    return None if data is None else data.decode("utf-8", "surrogateescape")
