"""Shells, by their names and by what they are: a copy or a link under another name is one too."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Mapping

from ..known_programs import is_shell
from ..model import Node, NodeType

_MOST_LINKS = 40  # path_resolution(7)


def shells(nodes: Iterable[Node]) -> list[Node]:
    """Every path that is a shell: a file named as one, one with the same content, a link to either.
    A shell without a namesake in the same tree is not known for one."""
    by_path = {node.path: node for node in nodes}
    named = [node for node in by_path.values() if is_shell(node)]
    files = [node for node in named if node.type is NodeType.FILE]
    inodes = {node.inode for node in files if node.inode}
    sizes = {node.size for node in files if node.size}
    contents = {_digest(node) for node in files if node.size in sizes}
    found = {node.path for node in named}
    for node in by_path.values():
        is_program = node.type is NodeType.FILE and bool(node.mode & 0o111)
        if is_program and (
            node.inode in inodes or (node.size in sizes and _digest(node) in contents)
        ):
            found.add(node.path)
    found |= {
        node.path
        for node in by_path.values()
        if node.type is NodeType.SYMLINK and _led_to(node, by_path) in found
    }
    return [node for path, node in by_path.items() if path in found]


def _led_to(node: Node, by_path: Mapping[str, Node]) -> str:
    """Where a link of links ends, directories on the way taken as they are written."""
    path = node.path
    for _ in range(_MOST_LINKS):
        at = by_path.get(path)
        if at is None or at.type is not NodeType.SYMLINK:
            return path
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), at.target or ""))
    return path


def _digest(node: Node) -> bytes:
    return hashlib.sha256(node.content.read() if node.content is not None else b"").digest()
