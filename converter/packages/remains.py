"""What is left of each package: counted by its files that the source image has, by themselves or as
copies."""

from __future__ import annotations

from collections.abc import Container, Mapping

from ..model import Package
from .values import Inventory, Remains, State

_NONE: Mapping[str, str] = {}


def states(
    inventory: Inventory, kept_paths: Container[str], copies: Mapping[str, str] = _NONE
) -> tuple[Remains, ...]:
    """For each package, in the inventory's order; `copies` of its files count for them."""
    return tuple(
        _remains(package, inventory.contents, kept_paths, copies) for package in inventory.packages
    )


def _remains(
    package: Package,
    contents: frozenset[str],
    kept_paths: Container[str],
    copies: Mapping[str, str],
) -> Remains:
    there = [path for path in package.files if path in contents]
    places = (path if path in kept_paths else copies.get(path) for path in there)
    kept = tuple(filter(None, places))
    return Remains(package, _state(package, len(there), len(kept)), kept, len(there))


def _state(package: Package, there: int, kept: int) -> State:
    if not package.is_file_list_known:
        return State.UNKNOWN
    if not kept:
        return State.REMOVED
    return State.KEPT if kept == there else State.PARTIAL
