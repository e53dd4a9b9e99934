"""Kept files that no package records and that have the content of a package's file: a library that
was copied elsewhere is that package's, whatever its path.

By the whole content. A copy that was changed, or stripped of its symbols, is not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..contents import content_digest
from ..model import Node, NodeType, Tree
from .values import Inventory

_SMALLEST_BYTES = 512  # what is smaller is the same in many packages by accident


def copies(inventory: Inventory, tree: Tree, kept: Iterable[Node]) -> Mapping[str, str]:
    """The path of a package's file -> where a copy of it is kept."""
    recorded = {path for package in inventory.packages for path in package.files}
    nodes = [node for path in recorded if (node := tree.get(path)) and _is_large(node)]
    strangers = [node for node in kept if node.path not in recorded and _is_large(node)]
    by_content = {content_digest(node): node.path for node in _of_sizes(strangers, nodes)}
    digests = ((node.path, content_digest(node)) for node in _of_sizes(nodes, strangers))
    return {path: by_content[digest] for path, digest in digests if digest in by_content}


def _of_sizes(nodes: Iterable[Node], others: Iterable[Node]) -> Iterator[Node]:
    """Those that can be the same as one of the others."""
    sizes = {node.size for node in others}
    return (node for node in nodes if node.size in sizes)


def _is_large(node: Node) -> bool:
    return node.type is NodeType.FILE and node.size >= _SMALLEST_BYTES
