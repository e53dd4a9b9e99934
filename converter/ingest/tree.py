"""The merged tree of an image's layers, in memory; file content stays where it is.

Whiteouts hide what lower layers brought, never what their own layer brings, whatever the order of
its entries (image-spec layer.md § Whiteouts).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from ..errors import LayerError
from ..model import Hidden, Node, NodeType, Tree
from . import limits

_SYMLINK_LIMIT = 40  # path_resolution(7): ELOOP
_PIECE_BYTES = 120  # a tuple of two integers
_ROOT = Node(path="/", type=NodeType.DIRECTORY, mode=0o755, uid=0, gid=0, mtime=0)


class MergedTree:
    """What the layers amount to (`model.Tree`)."""

    def __init__(self, nodes: dict[str, Node], children: dict[str, set[str]]) -> None:
        self._nodes = nodes
        self._children = children

    def __iter__(self) -> Iterator[Node]:
        return iter(self._in_order)

    @cached_property
    def _in_order(self) -> tuple[Node, ...]:
        return tuple(self._nodes[path] for path in sorted(self._nodes, key=_components))

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, path: str) -> Node | None:
        return self._nodes.get(path)

    def resolve(self, path: str, *, cwd: str = "/") -> Node | None:
        met = self._walk(path, cwd)
        return self._nodes[met[-1]] if met else None

    def chain(self, path: str) -> tuple[str, ...]:
        return tuple(self._walk(path, "/"))

    def children(self, path: str) -> tuple[Node, ...]:
        prefix = path.rstrip("/")
        return tuple(
            self._nodes[f"{prefix}/{name}"] for name in sorted(self._children.get(path, ()))
        )

    def _walk(self, path: str, cwd: str) -> list[str]:
        """Symlinks met, then where the path leads; empty when nowhere."""
        left = _components(path)[::-1]
        if not path.startswith("/"):
            left += _components(cwd)[::-1]
        here, met, links = "/", list[str](), 0
        while left:
            step = _step(here, left.pop())
            node = self._nodes.get(step)
            if node is None:
                return []
            if node.type is not NodeType.SYMLINK:
                if left and node.type is not NodeType.DIRECTORY:
                    return []
                here = step
                continue
            links += 1
            if links > _SYMLINK_LIMIT:
                return []
            met.append(step)
            target = node.target or ""
            left += _components(target)[::-1]
            here = "/" if target.startswith("/") else here
        return [*dict.fromkeys(met), here] if here in self._nodes else []


def _components(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _step(here: str, part: str) -> str:
    if part == "..":
        return here.rpartition("/")[0] or "/"
    return f"{here.rstrip('/')}/{part}"


def _weight_bytes(node: Node) -> int:
    """What a node holds beside its fixed fields, which the number of entries bounds."""
    weight_bytes = len(node.path) + len(node.target or "")
    if node.xattrs:
        weight_bytes += sum(len(name) + len(value) for name, value in node.xattrs.items())
    # A sparse file's; a test by isinstance and a protocol would cost more than all the rest here.
    pieces = getattr(node.content, "pieces", ())
    return weight_bytes + len(pieces) * _PIECE_BYTES


class TreeBuilder:
    """Applies layers, lowest first."""

    def __init__(self, raisable: limits.Limits = limits.DEFAULT) -> None:
        self.limits = raisable
        self._nodes: dict[str, Node] = {"/": _ROOT}
        self._children: dict[str, set[str]] = {"/": set()}
        self._inodes = itertools.count(1)
        self._layer = -1
        self._diff_id = ""
        self._entries = 0
        self._held_bytes = 0
        self._hidden: set[str] = set()  # by this layer, so that saying it again costs nothing
        self._gone: list[Hidden] = []

    @classmethod
    def over(cls, tree: Tree) -> TreeBuilder:
        """Begin with a tree that is there already; its nodes stay as they are."""
        builder = cls()
        for node in tree:
            builder._insert(node)
        builder._layer = max(node.layer for node in tree)
        builder._inodes = itertools.count(1 + max(node.inode for node in tree))
        return builder

    def begin_layer(self, diff_id: str) -> None:
        self._layer += 1
        self._diff_id = diff_id
        self._hidden.clear()

    def add(self, node: Node) -> None:
        """An entry of the layer: replaces what was there, but a directory keeps its children."""
        self._count(node.path, _weight_bytes(node))
        path = self._placed(node.path)
        old = self._nodes.get(path)
        is_merge = (
            old is not None and old.type is NodeType.DIRECTORY and node.type is NodeType.DIRECTORY
        )
        if old is not None and not is_merge:
            self._remove(path)
        self._insert(replace(node, path=path, layer=self._layer, inode=next(self._inodes)))

    def link(self, path: str, target: str, entry: str) -> None:
        """A hard link, perhaps to a file that a lower layer brought."""
        self._count(path, len(path))
        node = self._nodes.get(self._placed(target))
        if node is None or node.type is NodeType.DIRECTORY:
            problem = f"a hard link to {target!r}, which is not there"
            raise LayerError(self._diff_id, entry, problem)
        placed = self._placed(path)
        if placed == node.path:
            return
        self._remove(placed)
        self._insert(replace(node, path=placed, layer=self._layer))

    def hide(self, path: str) -> None:
        """A whiteout: what lower layers have here is gone."""
        self._hide_below(self._placed(path), keep_itself=False)

    def hide_children(self, path: str) -> None:
        """An opaque whiteout: what lower layers have in this directory is gone."""
        self._hide_below(self._placed(path), keep_itself=True)

    def hidden(self) -> tuple[Hidden, ...]:
        """Files that were there and are not, in the order in which they went."""
        return tuple(self._gone)

    def tree(self) -> MergedTree:
        return MergedTree(self._nodes, self._children)

    def _count(self, entry: str, weight_bytes: int) -> None:
        """Before the entry is held: neither many of them nor large ones may fill memory."""
        self._entries += 1
        self._held_bytes += weight_bytes
        if self._entries > self.limits.entries:
            problem = f"more than {self.limits.entries} entries"
            raise LayerError(self._diff_id, entry[:64], problem, hint=limits.hint("entries"))
        if self._held_bytes > limits.HELD_BYTES:
            problem = f"names and attributes of more than {limits.HELD_BYTES} bytes"
            raise LayerError(self._diff_id, entry[:64], problem)

    def _placed(self, path: str) -> str:
        """Where an entry goes: symlinked parents are followed inside the tree, as an extraction
        into the lower layers' tree would."""
        parent, _, name = path.rpartition("/")
        if not parent or self._is_directory(parent):
            return path
        here = "/"
        for part in _components(parent):
            here = self._entered(_step(here, part))
        placed = _step(here, name)
        if len(placed) > limits.PATH_BYTES:
            raise LayerError(self._diff_id, path[:64], "symlinks make the path too long")
        return placed

    def _entered(self, step: str) -> str:
        node = self._nodes.get(step)
        if node is None or node.type is not NodeType.SYMLINK:
            return step
        real = self.tree().resolve(step)
        return real.path if real is not None and real.type is NodeType.DIRECTORY else step

    def _is_directory(self, path: str) -> bool:
        node = self._nodes.get(path)
        return node is not None and node.type is NodeType.DIRECTORY

    def _insert(self, node: Node) -> None:
        if node.path != "/":
            parent, _, name = node.path.rpartition("/")
            self._ensure_directory(parent or "/")
            self._children[parent or "/"].add(name)
        self._nodes[node.path] = node
        if node.type is NodeType.DIRECTORY:
            self._children.setdefault(node.path, set())

    def _ensure_directory(self, path: str) -> None:
        """Parents that a layer does not list are made, as every extractor does."""
        missing = []
        while not self._is_directory(path):
            missing.append(path)
            path = path.rpartition("/")[0] or "/"
        for one in reversed(missing):
            self._count(one, len(one))
            self._remove(one)
            made = replace(_ROOT, path=one, layer=self._layer, inode=next(self._inodes))
            self._insert(made)

    def _remove(self, path: str) -> None:
        for below in [path, *self._below(path)]:
            self._forget(below)

    def _hide_below(self, path: str, *, keep_itself: bool) -> None:
        below = self._below(path) if path not in self._hidden else []
        self._hidden.add(path)
        for one in reversed(below if keep_itself else [path, *below]):
            node = self._nodes.get(one)
            has_own_layer = node is not None and node.layer == self._layer
            if not has_own_layer and not self._children.get(one):
                self._forget(one)

    def _forget(self, path: str) -> None:
        node = self._nodes.pop(path, None)
        if node is not None and node.type is NodeType.FILE:
            self._gone.append(Hidden(node, self._layer))
        self._children.pop(path, None)
        parent, _, name = path.rpartition("/")
        self._children.get(parent or "/", set()).discard(name)

    def _below(self, path: str) -> list[str]:
        """Everything below a directory, parents first."""
        found: list[str] = []
        waiting = [path]
        while waiting:
            here = waiting.pop()
            names = self._children.get(here, ())
            paths = [f"{here.rstrip('/')}/{name}" for name in names]
            found.extend(paths)
            waiting.extend(paths)
        return found
