"""What was seen of a start-up, from a container or from an Entrypoint, in one form to compare.

Names of users are numbers here, times of files are left out, and paths that are as the image has
them are no changes. Judges contents against an expectation; starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dock2uk.accounts import read_accounts, read_groups
from dock2uk.model import Change, Node, NodeType, Tree
from tests.entrypoint.expectation import Changed, Expectation


@dataclass(frozen=True, slots=True)
class Found:
    """How a path is after start-up; `change` alone when it is gone."""

    change: str
    type: str = ""
    mode: int = 0
    owner: tuple[int, int] = (-1, -1)
    content: bytes | None = None
    target: str | None = None


class Names:
    """Users and groups of an image, by name or as they are."""

    def __init__(self, tree: Tree) -> None:
        self._users = {account.name: account.uid for account in read_accounts(tree)}
        self._groups = {group.name: group.gid for group in read_groups(tree)}

    def uid(self, user: int | str) -> int:
        return user if isinstance(user, int) else self._users[user]

    def gid(self, group: int | str) -> int:
        return group if isinstance(group, int) else self._groups[group]

    def owner(self, text: str) -> tuple[int, int]:
        user, _, group = text.partition(":")
        return self.uid(user), self.gid(group)


def found(tree: Tree, changes: Iterable[Change]) -> dict[str, Found]:
    """Each path that is not as the image has it."""
    seen = {}
    for change in changes:
        before, after = tree.get(change.path), change.node
        if after is None:
            seen[change.path] = Found("removed")
        elif before is None:
            seen[change.path] = as_found("created", after)
        elif as_found("", before) != as_found("", after):
            seen[change.path] = as_found("changed", after)
    return seen


def as_found(change: str, node: Node) -> Found:
    content = node.content.read() if node.type is NodeType.FILE and node.content else None
    return Found(change, node.type.value, node.mode, (node.uid, node.gid), content, node.target)


def complaints(tree: Tree, expected: Expectation, seen: Mapping[str, Found]) -> list[str]:
    """What is wrong with the changes that were seen, one line each; none when all is right."""
    wanted = {change.path: change for change in expected.changes}
    filled = {directory.path: directory for directory in expected.filled}
    loose = {path for path in seen if not any(_is_below(path, one) for one in filled)}
    names = Names(tree)
    wrong = [
        f"{path}: {seen[path].change}, and not expected" for path in sorted(loose - set(wanted))
    ]
    wrong += [f"{path}: not {wanted[path].change}" for path in sorted(set(wanted) - set(seen))]
    for path in sorted(set(wanted) & set(seen)):
        wrong += [f"{path}: {line}" for line in _wrong_with(tree, names, wanted[path], seen[path])]
    for directory in filled.values():
        inside = [f"{directory.path}/{name}" for name in directory.holds]
        wrong += [f"{path}: not created" for path in inside if path not in seen]
        node = seen.get(directory.path)
        want = (directory.mode, names.owner(directory.owner))
        if node is None or (node.mode, node.owner) != want:
            wrong.append(f"{directory.path}: {node and (oct(node.mode), node.owner)}, not {want}")
    return wrong


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(f"{directory}/")


def _wrong_with(tree: Tree, names: Names, wanted: Changed, seen: Found) -> list[str]:
    if wanted.change == "removed" or seen.change != wanted.change:
        return [] if seen.change == wanted.change else [f"{seen.change}, not {wanted.change}"]
    pairs = {
        "type": (seen.type, wanted.type),
        "mode": (oct(seen.mode), oct(wanted.mode)),
        "owner": (seen.owner, names.owner(wanted.owner)),
        "target": (seen.target, wanted.target),
    }
    wrong = [f"{what} {a!r}, not {b!r}" for what, (a, b) in pairs.items() if a != b]
    if wanted.type == "file" and not _has_content(tree, wanted, seen.content or b""):
        wrong.append(f"content {(seen.content or b'')[:2000]!r}")
    return wrong


def _has_content(tree: Tree, wanted: Changed, content: bytes) -> bool:
    if wanted.text is not None:
        return content == wanted.text.encode()
    if wanted.like is not None:
        model = tree.get(wanted.like)
        assert model is not None, wanted.like
        return content == as_found("", model).content
    assert wanted.matches is not None
    return re.fullmatch(wanted.matches, content.decode()) is not None
