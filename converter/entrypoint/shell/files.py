"""What the image's tree says about paths, where no start-up work left out could have changed it.

A path under something that was written, made or given rights, or above it, is not known. Work that
may write anywhere is held to what its user may write. What the container's engine makes (`/proc`,
`/etc/hosts` …) is not known either.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...model import Node, NodeType, Tree
from ..launch import Changed, Reach
from .patterns import Part, expression, has_magic

# Made or covered when a container starts (OCI runtime-spec config-linux.md § Default Filesystems,
# and the files docker mounts).
_ENGINES = (
    "/proc", "/sys", "/dev", "/run/secrets", "/var/run/secrets", "/etc/hosts", "/etc/hostname",
    "/etc/resolv.conf", "/etc/mtab", "/.dockerenv", "/run/.containerenv",
)  # fmt: skip
_MAXIMUM_FILE_BYTES = 65536
_RIGHTS = {"r": 4, "w": 2, "x": 1}


@dataclass(frozen=True, slots=True)
class Files:
    """The tree as one user sees it at one point."""

    tree: Tree
    cwd: str
    credentials: tuple[int, tuple[int, ...]]  # uid; gid and groups
    changed: frozenset[Changed]

    def is_settled(self, path: str) -> bool:
        """Whether the path is what the image says, its owner and mode aside."""
        place = self.canonical(path)
        if any(_touches(place, engine) for engine in _ENGINES if place != "/"):
            return False
        return not any(self._may_have_changed(place, changed) for changed in self.changed)

    def has_settled_rights(self, path: str) -> bool:
        """Whether owner and mode are what the image says too."""
        place = self.canonical(path)
        changed = [one.path for one in self.changed if one.reach is Reach.RIGHTS]
        return self.is_settled(path) and not any(_is_within(place, one) for one in changed)

    def canonical(self, path: str) -> str:
        """The path with symlinks followed as far as it exists."""
        absolute = posixpath.normpath(posixpath.join(self.cwd, path))
        head, tail = absolute, ""
        while head != "/":
            node = self.tree.resolve(head)
            if node is not None:
                return posixpath.normpath(posixpath.join(node.path, tail))
            head, name = posixpath.split(head)
            tail = posixpath.join(name, tail) if tail else name
        return absolute

    def node(self, path: str) -> Node | None:
        return self.tree.resolve(path, cwd=self.cwd) if path else None

    def test(self, operator: str, path: str) -> bool | None:
        """`test OPERATOR path` (test(1)); None when not known."""
        if not path:
            return False
        is_settled = self.has_settled_rights if operator in _RIGHTS else self.is_settled
        if not is_settled(path):
            return None
        if operator in ("L", "h"):
            place = posixpath.normpath(posixpath.join(self.cwd, path))
            parent = self.canonical(posixpath.dirname(place))
            found = self.tree.get(posixpath.join(parent, posixpath.basename(place)))
            return found is not None and found.type is NodeType.SYMLINK
        node = self.node(path)
        if node is None:
            return False
        return self._test_node(operator, node)

    def _test_node(self, operator: str, node: Node) -> bool | None:
        types = {
            "f": NodeType.FILE, "d": NodeType.DIRECTORY, "p": NodeType.FIFO,
            "c": NodeType.CHARACTER_DEVICE, "b": NodeType.BLOCK_DEVICE,
        }  # fmt: skip
        if operator == "e":
            return True
        if operator in types:
            return node.type is types[operator]
        if operator == "s":
            return node.size > 0 if node.type is NodeType.FILE else None
        return self.may(operator, node) if operator in _RIGHTS else None

    def may(self, right: str, node: Node) -> bool:
        """access(2): root may read and write all, and execute what anybody may."""
        uid, groups = self.credentials
        mask = _RIGHTS[right]
        if uid == 0:
            return right != "x" or node.type is NodeType.DIRECTORY or bool(node.mode & 0o111)
        shift = 6 if node.uid == uid else 3 if node.gid in groups else 0
        return bool(node.mode >> shift & mask)

    def text(self, path: str) -> str | None:
        """A small file's text; None when it is not known or not there."""
        node = self.node(path)
        if node is None or not self.is_settled(path) or node.content is None:
            return None
        if node.type is not NodeType.FILE or node.size > _MAXIMUM_FILE_BYTES:
            return None
        return node.content.read().decode("utf-8", "surrogateescape")

    def program(self, name: str, path_variable: str) -> str | None:
        """The path execvp(3) would run; "" when there is none, None when that is not known."""
        names = [name] if "/" in name else [
            posixpath.join(entry or ".", name) for entry in path_variable.split(":")
        ]  # fmt: skip
        for candidate in names:
            if not self.has_settled_rights(candidate):
                return None
            node = self.node(candidate)
            if node is not None and node.type is NodeType.FILE and self.may("x", node):
                return candidate
        return ""

    def glob(self, parts: Sequence[Part]) -> list[str] | None:
        """The paths a pattern stands for, sorted (XCU § 2.13.3); None when not known."""
        components = _components(parts)
        is_absolute = bool(components) and not components[0]
        found = [""]
        for index, component in enumerate(components):
            if index == 0 and is_absolute:
                found = ["/"]
                continue
            matched: list[str] = []
            for base in found:
                names = self._matching(base, component)
                if names is None:
                    return None
                matched.extend(posixpath.join(base, name) for name in names)
            found = matched
        return sorted(found)

    def _matching(self, base: str, component: Sequence[Part]) -> list[str] | None:
        """The names in one directory that one component of a pattern stands for."""
        directory = base or "."
        if not component:  # `*/`: directories only
            return [""] if self._is_directory(directory) else []
        if not has_magic(component):
            name = "".join(part.text for part in component)
            path = posixpath.join(directory, name)
            if not self.is_settled(path):
                return None
            return [name] if self.node(path) is not None else []
        wanted = expression(component)
        if wanted is None or not self.is_settled(directory):
            return None
        names = self._names(directory)
        if not all(name.isascii() for name in names):
            return None
        shows_hidden = component[0].text.startswith(".")
        return [
            name
            for name in names
            if re.fullmatch(wanted, name, re.DOTALL) and (shows_hidden or name[0] != ".")
        ]

    def _is_directory(self, path: str) -> bool:
        node = self.node(path)
        return node is not None and node.type is NodeType.DIRECTORY

    def _names(self, directory: str) -> list[str]:
        node = self.node(directory)
        children: Iterable[Node] = self.tree.children(node.path) if node is not None else ()
        return [posixpath.basename(child.path) for child in children]

    def _may_have_changed(self, place: str, changed: Changed) -> bool:
        if changed.reach is Reach.RIGHTS:
            return False
        if changed.reach is Reach.MADE:
            return _is_within(changed.path, place)
        if changed.path != "/":
            return _touches(place, changed.path)
        return changed.uid == 0 or self._is_writable(place, changed.uid)

    def _is_writable(self, place: str, uid: int) -> bool:
        """Whether a user could make, change or remove a path: by its own rights, or by those of a
        directory on the way to it; what was given other rights counts as writable."""
        given = [one.path for one in self.changed if one.reach is Reach.RIGHTS]
        made = [one.path for one in self.changed if one.reach is Reach.MADE and one.uid == uid]
        if any(_is_within(place, path) for path in (*given, *made)):
            return True
        as_user = Files(self.tree, self.cwd, (uid, self.credentials[1]), frozenset())
        while True:
            node = self.tree.resolve(place)
            if node is not None and (node.uid == uid or as_user.may("w", node)):
                return True
            if place == "/":
                return False
            place = posixpath.dirname(place)


def _is_within(place: str, directory: str) -> bool:
    return place == directory or place.startswith(directory.rstrip("/") + "/")


def _touches(one: str, other: str) -> bool:
    """Whether a path is the other, in it or above it."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _components(parts: Sequence[Part]) -> list[list[Part]]:
    components: list[list[Part]] = [[]]
    for part in parts:
        for index, text in enumerate(part.text.split("/")):
            if index:
                components.append([])
            if text:
                components[-1].append(Part(text, part.is_quoted))
    return components
