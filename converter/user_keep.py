"""`--keep PATH`: paths or patterns (glob(7)) that the user wants whatever the analysis says.

A directory brings all it holds. Symlinks are followed, and kept. A pattern that means no path of
the image is an error: it is a typing mistake or another image's pattern.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from .errors import Dock2ukError
from .model import Node, NodeType, Tree


def paths_to_keep(tree: Tree, patterns: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(path, reason) for everything the patterns mean."""
    for pattern in patterns:
        because = f"--keep {pattern}"
        nodes = _meant(tree, posixpath.normpath("/" + pattern.lstrip("/")))
        if not nodes:
            raise Dock2ukError(
                f"--keep {pattern}: no such path in the image",
                hint="paths are the image's own, such as /usr/share/misc; * stays in one directory",
            )
        for node in nodes:
            for path in (*tree.chain(node.path), node.path):
                yield path, because
            target = tree.resolve(node.path)
            for below in _below(tree, target) if target is not None else ():
                yield below.path, because


def _meant(tree: Tree, pattern: str) -> tuple[Node, ...]:
    if not re.search(r"[*?\[]", pattern):
        directory = tree.resolve(posixpath.dirname(pattern))
        name = posixpath.basename(pattern)
        node = tree.get(posixpath.join(directory.path, name)) if directory and name else directory
        return (node,) if node is not None else ()
    parts = pattern.split("/")
    return tuple(
        node
        for node in tree
        if len(names := node.path.split("/")) == len(parts)
        if all(fnmatchcase(name, part) for name, part in zip(names, parts, strict=True))
    )


def _below(tree: Tree, directory: Node) -> Iterator[Node]:
    pending = [directory]
    while pending:
        for child in tree.children(pending.pop().path):
            yield child
            if child.type is NodeType.DIRECTORY:
                pending.append(child)
