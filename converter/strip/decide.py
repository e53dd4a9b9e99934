"""Every path of an image: kept or dropped, and why.

In this order: what the runtime provides itself, what the user's rules drop, what is never kept,
what something needs, what the mode leaves. Then no link is kept whose end is dropped, and every
directory on the way to what is kept is.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..model import Drop, Keep, Node, NodeType, StripMode, Tree
from .removal import (
    Inodes,
    dead_kind,
    description,
    forbidden,
    is_device,
    is_of_runtime,
    is_setuid,
)

_LEFT = {
    StripMode.SAFE: "not known to be dangerous or dead (--strip safe)",
    StripMode.NONE: "nothing is stripped (--strip none)",
}


@dataclass(frozen=True, slots=True)
class Grounds:
    """What decisions follow from."""

    mode: StripMode
    exe: str
    wanted: Mapping[str, str]  # path -> why something needs it
    dropped: Mapping[str, str]  # path -> the user's rule
    left_out: Mapping[str, str]  # path -> what it is, where that is known of an unneeded one
    owner: Mapping[str, str]  # path -> its package
    inodes: Inodes


def decide(tree: Tree, grounds: Grounds) -> Mapping[str, Keep | Drop]:
    """A decision for each path of the tree, in path order."""
    alone = {node.path: _alone(node, grounds) for node in tree}
    while True:  # a link that goes may have been the last need of its directory
        found = _with_directories(alone)
        lost = dict(_links_to_dropped(tree, found))
        if not lost:
            return found
        alone |= lost


def _links_to_dropped(
    tree: Tree, found: Mapping[str, Keep | Drop]
) -> Iterator[tuple[str, Keep | Drop]]:
    for node in tree:
        if node.type is NodeType.SYMLINK and isinstance(found[node.path], Keep):
            end = _dropped_on_the_way(tree, node, found)
            if end is not None:
                because = f"leads to {end.path}, which is dropped: {end.because}"
                yield node.path, Drop(node.path, because)


def _alone(node: Node, grounds: Grounds) -> Keep | Drop:
    """As if there were no other path."""
    path = node.path
    if is_device(node):
        return Drop(path, "device node: the runtime provides its own")
    if path in grounds.dropped:
        return Drop(path, grounds.dropped[path])
    objection = _objection(node, grounds)
    if objection is not None:
        return Drop(path, objection)
    because = grounds.wanted.get(path) or _left(node, grounds.mode)
    if because:
        return Keep(path, because)
    return Drop(path, grounds.left_out.get(path) or description(node, grounds.owner))


def _objection(node: Node, grounds: Grounds) -> str | None:
    """Why a path is not kept though something may need it. A setuid file that the mode would leave
    loses its bits only."""
    if grounds.mode is StripMode.NONE:
        return None
    objection = forbidden(node, grounds.exe, grounds.inodes)
    may_lose_bits = node.path == grounds.exe or grounds.mode is StripMode.SAFE
    if objection is None and is_setuid(node) and not may_lose_bits:
        return f"setuid or setgid file (mode {node.mode:04o})"
    return objection


def _left(node: Node, mode: StripMode) -> str | None:
    """Why a path stays that nothing needs."""
    is_dead = mode is StripMode.SAFE and dead_kind(node) is not None
    return None if is_dead else _LEFT.get(mode)


def _dropped_on_the_way(tree: Tree, link: Node, found: Mapping[str, Keep | Drop]) -> Drop | None:
    """What of the paths that a link leads through is dropped; the runtime makes its own."""
    for path in tree.chain(link.path):
        decision = found[path]
        if isinstance(decision, Drop) and not is_of_runtime(path):
            return decision
    return None


def _with_directories(alone: Mapping[str, Keep | Drop]) -> dict[str, Keep | Drop]:
    """The same, with every directory on the way to what is kept."""
    found = dict(alone)
    for path in [path for path, decision in alone.items() if isinstance(decision, Keep)]:
        below = path
        while below != "/" and not isinstance(found.get(posixpath.dirname(below)), Keep):
            parent = posixpath.dirname(below)
            found[parent] = Keep(parent, f"directory of {below}")
            below = parent
    return found
