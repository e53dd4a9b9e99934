"""Where symlinks lead, among nodes that are no tree."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from ..model import Node, NodeType

_MOST_LINKS = 40  # path_resolution(7)


def led_to(path: str, by_path: Mapping[str, Node]) -> str:
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
