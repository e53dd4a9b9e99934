"""What start-up did to the files of an image: figures before are without it, others with it."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Change, NodeType, Tree


def notes(source: Tree, changes: Sequence[Change]) -> tuple[str, ...]:
    """How many files it made, changed and removed, in one line; none where it did nothing."""
    left = [one for one in changes if one.node is not None and one.node.type is NodeType.FILE]
    changed = sum(source.get(one.path) is not None for one in left)
    removed = sum(one.node is None and _is_file(source, one.path) for one in changes)
    if not left and not removed:
        return ()
    return (
        f"files that start-up made: {len(left) - changed}, changed: {changed}, removed: {removed}; "
        "figures before are of the image without that",
    )


def _is_file(source: Tree, path: str) -> bool:
    node = source.get(path)
    return node is not None and node.type is NodeType.FILE
