"""Every path of the image: kept or dropped, and why. The result is a new, smaller root.

Decisions follow from the Analysis and the user's `keep` alone, in path order, so the same input
gives the same root. An image that holds odd things is never an error here: they are dropped.
"""

from __future__ import annotations

import io
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from ..model import Analysis, Drop, Entrypoint, Image, Keep, Node, NodeType, Rootfs, Tree
from ..recipes import chosen
from ..user_keep import paths_to_keep
from .kept_accounts import KeptAccounts, kept_accounts
from .removal import ACCOUNT_FILES, SETUID_OR_SETGID, description, forbidden, forbidden_inodes

__all__ = ["strip"]

# What programs expect to find and write to (hier(7), FHS 3.0), kept when the image has it.
_EMPTY_DIRECTORIES = {
    "/tmp": "temporary files of any program",
    "/var/tmp": "temporary files of any program",
    "/run": "state of any running program",
    "/var/run": "state of any running program",
    "/dev": "where the runtime puts devices",
    "/proc": "where the runtime puts process information",
    "/sys": "where the runtime puts devices",
}


@dataclass(frozen=True, slots=True)
class Bytes:
    """The content of a file made here."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self) -> bytes:
        return self.data

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


def strip(image: Image, entrypoint: Entrypoint, analysis: Analysis, keep: Sequence[str]) -> Rootfs:
    """Decide every path of the image's tree."""
    tree = image.tree
    wanted = _wanted(tree, entrypoint, analysis, keep)
    parents = _parents_of(wanted, tree)
    owner = {path: package.name for package in analysis.packages for path in package.files}
    inodes = forbidden_inodes(tree, entrypoint.exe)
    decisions: list[Keep | Drop] = []
    kept: list[Node] = []
    for node in tree:
        because = wanted.get(node.path) or parents.get(node.path)
        objection = forbidden(node, entrypoint.exe, inodes)
        if because is None or objection is not None:
            why = objection or description(node, owner)
            decisions.append(Drop(node.path, why))
        else:
            decisions.append(Keep(node.path, because))
            kept.append(node)
    accounts = kept_accounts(tree, entrypoint, kept)
    nodes, added = _rewritten(tree, kept, accounts)
    more = _missing_directories(image, entrypoint, nodes)
    in_order = sorted((*nodes, *(node for node, _ in more)), key=lambda node: node.path.split("/"))
    added += tuple(Keep(node.path, because) for node, because in more)
    return Rootfs(nodes=tuple(in_order), decisions=tuple(decisions), added=added)


def _wanted(
    tree: Tree, entrypoint: Entrypoint, analysis: Analysis, keep: Sequence[str]
) -> dict[str, str]:
    """Path -> the first reason to keep it."""
    wanted = dict(analysis.needed)
    for path, because in _EMPTY_DIRECTORIES.items():
        wanted.setdefault(path, because)
    home = _variable(entrypoint, "HOME")
    if home:
        wanted.setdefault(home, "home directory of the program's user")
    for path in ACCOUNT_FILES:
        node = tree.resolve(path)
        if node is not None:
            wanted.setdefault(node.path, "the accounts the program needs")
    for path, because in paths_to_keep(tree, keep):
        wanted[path] = because
    return wanted | {"/": "root directory"}


def _parents_of(wanted: dict[str, str], tree: Tree) -> dict[str, str]:
    """Directories on the way to what is kept."""
    parents: dict[str, str] = {"/": "root directory"}
    for path in wanted:
        if tree.get(path) is None:
            continue
        below = path
        while (parent := posixpath.dirname(below)) not in parents:
            parents[parent] = f"directory of {below}"
            below = parent
    return parents


def _rewritten(
    tree: Tree, kept: Sequence[Node], accounts: KeptAccounts
) -> tuple[tuple[Node, ...], tuple[Keep, ...]]:
    """The kept nodes with account files rewritten and setuid bits cleared; what was changed."""
    texts = {
        _place(tree, "/etc/passwd"): (
            accounts.passwd(),
            [(a.name, why) for a, why in accounts.accounts],
        ),
        _place(tree, "/etc/group"): (
            accounts.group(),
            [(g.name, why) for g, why in accounts.groups],
        ),
    }
    nodes, added = [], []
    for node in kept:
        if node.path in texts and node.type is NodeType.FILE:
            data, names = texts[node.path]
            said = "; ".join(f"{name} ({why})" for name, why in names)
            added.append(Keep(node.path, f"rewritten without passwords: {said or 'no account'}"))
            # No inode: another name of the old text would not be another name of this one.
            node = replace(node, content=Bytes(data), mode=0o644, inode=0)
        elif node.type is NodeType.FILE and node.mode & SETUID_OR_SETGID:
            mode = node.mode & ~SETUID_OR_SETGID
            said = f"setuid/setgid bits cleared: {node.mode:04o} to {mode:04o}"
            added.append(Keep(node.path, said))
            node = replace(node, mode=mode)
        nodes.append(node)
    return tuple(nodes), tuple(added)


def _missing_directories(
    image: Image, entrypoint: Entrypoint, nodes: Sequence[Node]
) -> tuple[tuple[Node, str], ...]:
    """Directories that must exist and do not, with the reason, parents first."""
    asked = [(entrypoint.cwd, "working directory, made as docker makes it")]
    asked += [(path, "volume, made as docker makes it") for path in image.config.volumes]
    for recipe in chosen(entrypoint.recipes):
        asked += [(path, f"recipe {recipe.name} asks for it") for path in recipe.directories]
    present = {node.path for node in nodes}
    missing: list[tuple[Node, str]] = []
    for path, because in asked:
        current = "/"
        for name in posixpath.normpath("/" + path).strip("/").split("/"):
            current = _place(image.tree, posixpath.join(current, name))
            if current not in present:
                missing.append((Node(current, NodeType.DIRECTORY, 0o755, 0, 0, mtime=0), because))
                present.add(current)
    return tuple(missing)


def _place(tree: Tree, path: str) -> str:
    """Where a directory really is: what a symlink of the image at this path leads to."""
    node = tree.resolve(path)
    return node.path if node is not None else path


def _variable(entrypoint: Entrypoint, name: str) -> str:
    values = [e.partition("=")[2] for e in entrypoint.env if e.startswith(f"{name}=")]
    return values[-1] if values else ""
