"""What of a recorded start-up goes into the image: all that two runs agree on, and the rest only
when the user says so.

Of the files that start-up generated in a directory that the image has not, or has empty, all go
in or none: half of a database is worse than none. The directory itself stays, with its owner. Where
most of them are copies of the image's own files, those stand for themselves.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import UnsupportedError
from ..model import Change, Content, Difference, DifferenceKind, Node, NodeType, Tree
from .compare import Comparison, Unlike

_CHUNK_BYTES = 1 << 20
_SHOWN_PATHS = 3


@dataclass(frozen=True, slots=True)
class Baked:
    """What goes in, and what was named."""

    env: tuple[str, ...]
    changes: tuple[Change, ...]  # parents first
    differences: tuple[Difference, ...]


def bake_all(comparison: Comparison) -> Baked:
    """Everything as the first run had it; the differences are named all the same."""
    differences = [_named(f"the program's {one.name}", one, True) for one in comparison.program]
    differences += [_named(f"variable {one.name}", one, True) for one in comparison.variables]
    differences += [_named(one.name, one, True) for one in comparison.paths]
    return Baked(comparison.env, tuple(_in_order(comparison.changes)), tuple(differences))


def bake_agreed(tree: Tree, comparison: Comparison) -> Baked:
    """Only what both runs agree on; UnsupportedError when they became different programs. `tree`
    is the image's."""
    _require_one_program(comparison)
    unlike = {one.name for one in comparison.variables}
    env = tuple(entry for entry in comparison.env if entry.partition("=")[0] not in unlike)
    generated = _Generated(tree, comparison.changes)
    units: dict[str, list[Unlike]] = defaultdict(list)
    single = []
    for one in comparison.paths:
        unit = generated.unit_of(one.name)
        if unit is None:
            single.append(one)
        else:
            units[unit].append(one)
    left_out = {one.name for one in comparison.paths}
    left_out |= {path for unit in units for path in generated.files_of(unit)}
    kept = {path: change for path, change in comparison.changes.items() if path not in left_out}
    changes = _without_empty(kept, units)
    differences = [_named(f"variable {one.name}", one, False) for one in comparison.variables]
    differences += [_named(one.name, one, False) for one in single]
    differences += [
        _of_unit(unit, inside, len(generated.files_of(unit))) for unit, inside in units.items()
    ]
    return Baked(env, tuple(_in_order(changes)), tuple(differences))


def _require_one_program(comparison: Comparison) -> None:
    reasons = (f"its {one.name} is not always the same: {one.detail}" for one in comparison.program)
    if comparison.program:
        raise UnsupportedError(
            tuple(reasons), hint="name it (--entrypoint, --cmd, --user, …), or --bake the first"
        )


class _Generated:
    """The files that start-up made, by the directory that they filled; without copies where those
    are the most."""

    def __init__(self, tree: Tree, changes: Mapping[str, Change]) -> None:
        self._tree = tree
        self._files: dict[str, set[str]] = defaultdict(set)
        for path, change in changes.items():
            node = change.node
            is_made = node is not None and node.type is not NodeType.DIRECTORY
            unit = self._filled_directory(path) if is_made else None
            if unit is not None:
                self._files[unit].add(path)
        copies = _Copies(tree, changes)
        for unit, files in self._files.items():
            copied = {path for path in files if path in copies}
            if 2 * len(copied) > len(files):
                self._files[unit] = files - copied

    def unit_of(self, path: str) -> str | None:
        """The directory whose generated files go together with this one."""
        unit = self._filled_directory(path)
        is_counted = unit is not None and (path in self._files[unit] or len(self._files[unit]) > 1)
        return unit if is_counted else None

    def files_of(self, unit: str) -> Collection[str]:
        return self._files[unit]

    def _filled_directory(self, path: str) -> str | None:
        """The outermost directory above `path` that the image has not, or has empty."""
        parts = path.strip("/").split("/")
        for depth in range(1, len(parts)):
            directory = "/" + "/".join(parts[:depth])
            if self._tree.get(directory) is None or not self._tree.children(directory):
                return directory
        return None


class _Copies:
    """Changed files whose name and bytes some file of the image has."""

    def __init__(self, tree: Tree, changes: Mapping[str, Change]) -> None:
        self._changes = changes
        wanted = {_name_and_size(change.node) for change in changes.values() if change.node}
        self._known: dict[tuple[str, int], list[Content]] = defaultdict(list)
        for node in tree:
            if node.content is not None and _name_and_size(node) in wanted:
                self._known[_name_and_size(node)].append(node.content)

    def __contains__(self, path: str) -> bool:
        node = self._changes[path].node
        if node is None or node.content is None:
            return False
        known = self._known.get(_name_and_size(node), ())
        return bool(known) and _digest(node.content) in map(_digest, known)


def _name_and_size(node: Node) -> tuple[str, int]:
    return posixpath.basename(node.path), node.size


def _digest(content: Content) -> str:
    state = hashlib.sha256()
    with content.open() as file:
        while piece := file.read(_CHUNK_BYTES):
            state.update(piece)
    return state.hexdigest()


def _without_empty(changes: Mapping[str, Change], units: Collection[str]) -> Mapping[str, Change]:
    """Without the directories inside a unit that hold nothing which goes in."""
    filled = {
        parent
        for path, change in changes.items()
        if change.node is None or change.node.type is not NodeType.DIRECTORY
        for parent in _parents(path)
    }
    return {
        path: change
        for path, change in changes.items()
        if change.node is None
        or change.node.type is not NodeType.DIRECTORY
        or path in filled
        or not any(parent in units for parent in _parents(path))
    }


def _parents(path: str) -> Iterator[str]:
    while (path := posixpath.dirname(path)) != "/":
        yield path


def _in_order(changes: Mapping[str, Change]) -> Sequence[Change]:
    return [changes[path] for path in sorted(changes, key=lambda path: path.split("/"))]


def _named(subject: str, unlike: Unlike, is_baked: bool) -> Difference:
    return Difference(subject, unlike.kind, unlike.detail, is_baked)


def _of_unit(unit: str, inside: Sequence[Unlike], count: int) -> Difference:
    """One line for a directory, however many files differ in it."""
    kinds = {one.kind for one in inside}
    kind = DifferenceKind.SECRET if DifferenceKind.SECRET in kinds else DifferenceKind.MACHINE
    shown = ", ".join(posixpath.relpath(one.name, unit) for one in inside[:_SHOWN_PATHS])
    more = f" and {len(inside) - _SHOWN_PATHS} more" if len(inside) > _SHOWN_PATHS else ""
    differ = "differs" if len(inside) == 1 else "differ"
    detail = (
        f"{inside[0].detail}: {shown}{more} {differ} in what start-up made here ({count} files)"
    )
    return Difference(f"{unit}/", kind, detail, is_baked=False)
