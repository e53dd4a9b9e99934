"""Shells, by their names and by what they are: a copy or a link under another name is one too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..contents import content_digest
from ..known_programs import is_shell
from ..model import Node, NodeType
from .links import led_to
from .program_facts import facts_of


def shells(nodes: Iterable[Node]) -> list[list[Node]]:
    """Every file that is a shell, by each of its names, links last: one named as one, or by a link
    to it, one with the same content or with what a POSIX shell's code holds."""
    by_path = {node.path: node for node in nodes}
    programs = [node for node in by_path.values() if _is_program(node)]
    ends = _ends_of_links(by_path)
    called = {end.path for link, end in ends if is_shell(link) and _is_program(end)}
    named = [node for node in programs if is_shell(node) or node.path in called]
    names = {node.path for node in named}
    inodes = {node.inode for node in named if node.inode}
    sizes = {node.size for node in named if node.size}
    contents = {content_digest(node) for node in named if node.size}
    found: dict[int | str, list[Node]] = {}
    for node in programs:
        is_one = node.path in names or node.inode in inodes
        if is_one or _has_content_of_one(node, sizes, contents):
            found.setdefault(node.inode or node.path, []).append(node)
    for link, end in ends:
        found.get(end.inode or end.path, []).append(link)
    return list(found.values())


def _ends_of_links(by_path: Mapping[str, Node]) -> list[tuple[Node, Node]]:
    links = [node for node in by_path.values() if node.type is NodeType.SYMLINK]
    ends = [(link, by_path.get(led_to(link.path, by_path))) for link in links]
    return [(link, end) for link, end in ends if end is not None]


def _is_program(node: Node) -> bool:
    return node.type is NodeType.FILE and bool(node.mode & 0o111)


def _has_content_of_one(node: Node, sizes: set[int], contents: set[bytes]) -> bool:
    if node.size in sizes and content_digest(node) in contents:
        return True
    return facts_of(node).is_posix_shell
