"""Shells, by their names and by what they are: a copy or a link under another name is one too."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from ..contents import content_digest
from ..known_programs import is_shell
from ..model import Node, NodeType
from .program_facts import facts_of

_MOST_LINKS = 40  # path_resolution(7)


def shells(nodes: Iterable[Node]) -> list[Node]:
    """Every path that is a shell: a file named as one, one with the same content or with what a
    POSIX shell's code holds, and each link that leads to one of these."""
    by_path = {node.path: node for node in nodes}
    programs = [node for node in by_path.values() if _is_program(node)]
    named = [node for node in programs if is_shell(node)]
    inodes = {node.inode for node in named if node.inode}
    sizes = {node.size for node in named if node.size}
    contents = {content_digest(node) for node in named if node.size}
    found = {node.path for node in named}
    for node in programs:
        if node.inode in inodes or _has_content_of_one(node, sizes, contents):
            found.add(node.path)
    found |= {
        node.path
        for node in by_path.values()
        if node.type is NodeType.SYMLINK and _leads_to_one(node, by_path, found)
    }
    return [node for path, node in by_path.items() if path in found]


def _is_program(node: Node) -> bool:
    return node.type is NodeType.FILE and bool(node.mode & 0o111)


def _has_content_of_one(node: Node, sizes: set[int], contents: set[bytes]) -> bool:
    if node.size in sizes and content_digest(node) in contents:
        return True
    return facts_of(node).is_posix_shell


def _leads_to_one(link: Node, by_path: Mapping[str, Node], found: set[str]) -> bool:
    """By where it ends; or by its own name, where what it ends at can be run."""
    end = by_path.get(_led_to(link.path, by_path))
    if end is None:
        return False
    return end.path in found or (is_shell(link) and _is_program(end))


def _led_to(path: str, by_path: Mapping[str, Node]) -> str:
    """Where a path ends, with links followed in its directories too: /bin may be usr/bin."""
    at, ahead, links = "/", path.split("/")[::-1], 0
    while ahead:
        step = posixpath.normpath(posixpath.join(at, ahead.pop()))
        node = by_path.get(step)
        if node is None or node.type is not NodeType.SYMLINK or links == _MOST_LINKS:
            at = step
            continue
        links += 1
        target = node.target or ""
        at = "/" if target.startswith("/") else at
        ahead += target.split("/")[::-1]
    return at
