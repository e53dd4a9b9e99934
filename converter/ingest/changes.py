"""An image as it is after its start-up: the recorded changes are one more layer over the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..model import Change, Image
from .tree import TreeBuilder

_LAYER = "(start-up)"


def with_changes(image: Image, changes: Sequence[Change]) -> Image:
    """The image with `changes` made, what is gone first; itself when there are none."""
    if not changes:
        return image
    builder = TreeBuilder.over(image.tree)
    builder.begin_layer(_LAYER)
    for change in changes:
        if change.node is None:
            builder.hide(change.path)
    for change in sorted(changes, key=lambda change: change.path.split("/")):
        if change.node is not None:
            builder.add(change.node)
    return replace(image, tree=builder.tree())
