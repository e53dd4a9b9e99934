"""passwd(5) and group(5): read from an image's text, never written to the machine's own.

Password fields are not kept: nothing after this module can leak a hash. Lines no libc would
accept are skipped, as nss_files skips them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .model import NodeType, Tree


@dataclass(frozen=True, slots=True)
class Account:
    """One line of passwd(5), without the password."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


@dataclass(frozen=True, slots=True)
class Group:
    """One line of group(5), without the password."""

    name: str
    gid: int
    members: tuple[str, ...]


def read_accounts(tree: Tree) -> tuple[Account, ...]:
    """Every account of the image's /etc/passwd; none when there is no such file."""
    return tuple(
        Account(name, int(uid), int(gid), home, shell)
        for name, _, uid, gid, _, home, shell in _lines(tree, "/etc/passwd", field_count=7)
        if name and is_id(uid) and is_id(gid)
    )


def read_groups(tree: Tree) -> tuple[Group, ...]:
    """Every group of the image's /etc/group; none when there is no such file."""
    return tuple(
        Group(name, int(gid), tuple(member for member in members.split(",") if member))
        for name, _, gid, members in _lines(tree, "/etc/group", field_count=4)
        if name and is_id(gid)
    )


def _lines(tree: Tree, path: str, *, field_count: int) -> Iterator[list[str]]:
    node = tree.resolve(path)
    if node is None or node.type is not NodeType.FILE or node.content is None:
        return
    for line in node.content.read().decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if len(fields) == field_count and not line.startswith("#"):
            yield fields


def is_id(text: str) -> bool:
    """Whether text is a user or group id: uid_t is 32 bits, and -1 means "none" (chown(2))."""
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 0xFFFFFFFF
