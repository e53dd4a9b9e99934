"""What is left of each package: counted by its files that the source image has."""

from __future__ import annotations

from collections.abc import Container

from ..model import Package
from .values import Inventory, Remains, State


def states(inventory: Inventory, kept_paths: Container[str]) -> tuple[Remains, ...]:
    """For each package, in the inventory's order."""
    return tuple(
        _remains(package, inventory.contents, kept_paths) for package in inventory.packages
    )


def _remains(package: Package, contents: frozenset[str], kept_paths: Container[str]) -> Remains:
    there = [path for path in package.files if path in contents]
    kept = tuple(path for path in there if path in kept_paths)
    return Remains(package, _state(package, len(there), len(kept)), kept, len(there))


def _state(package: Package, there: int, kept: int) -> State:
    if not package.is_file_list_known:
        return State.UNKNOWN
    if not kept:
        return State.REMOVED
    return State.KEPT if kept == there else State.PARTIAL
