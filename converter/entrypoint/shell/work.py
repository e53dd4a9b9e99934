"""Start-up work that is left out: said line by line, with what it may have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..launch import Changed
from .grammar import shown, text_of
from .machine import Place, World
from .state import State

if TYPE_CHECKING:
    from tree_sitter import Node


def noted(node: Node, state: State, place: Place, changed: frozenset[Changed]) -> State:
    """The state after a command that is not run."""
    node = _whole(node)
    text = text_of(node).split("\n")[0] if b"<<" in (node.text or b"") else shown(node)
    when = "under a condition, " if place.is_guarded else ""
    told = f"start-up work not run ({when}as written): `{text}`"
    state = state.noting(place.source.seen(node, told))
    return state.leaving_out(place.source.seen(node, text), changed)


def anything(world: World) -> frozenset[Changed]:
    """All that the user may write to."""
    return frozenset((Changed("/", world.launch.uid),))


def _whole(node: Node) -> Node:
    """A command with its redirections."""
    parent = node.parent
    while parent is not None and parent.type in ("heredoc_redirect", "redirected_statement"):
        node, parent = parent, parent.parent
    return node
