"""Why a path of the image is left out, in words: the most telling reason first.

These are descriptions for the report, not the decision: what nothing needs is dropped whatever it
is. Only `forbidden` overrules a need, and `dead_kind` decides where only the dead are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..known_programs import is_shell, is_system_package_manager
from ..model import Node, NodeType, Tree

SETUID_OR_SETGID = 0o6000

ACCOUNT_FILES = ("/etc/passwd", "/etc/group")
_PASSWORD_FILES = frozenset(
    ("/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/gshadow-", "/etc/passwd-", "/etc/group-",
     "/etc/subuid", "/etc/subgid", "/etc/subuid-", "/etc/subgid-")
)  # fmt: skip
_RUNTIME_PATHS = r"/dev|/proc|/sys|/etc/(?:hostname|hosts|resolv\.conf)"
_OF_RUNTIME = re.compile(rf"(?:{_RUNTIME_PATHS})(?:/|$)")
# What no program has a use for while it serves.
_DEAD = ("package manager or its database", "documentation", "cache or temporary file")
_KINDS = (
    (r"/var/lib/(?:dpkg|apt|rpm|pacman)|/lib/apk|/usr/lib/(?:apt|dpkg|rpm)|/etc/(?:apt|dpkg)",
     _DEAD[0]),
    (r"/usr/(?:local/)?share/(?:doc|man|info|lintian|linda|doc-base|help|gtk-doc)|/usr/local/man",
     _DEAD[1]),
    (r"/usr/share/locale|/usr/share/i18n|/usr/lib/locale", "translations and locales"),
    (r"/var/cache|/root/\.cache|/tmp|/var/tmp", _DEAD[2]),
    (_RUNTIME_PATHS, "provided by the runtime"),
    (r"/etc/(?:init\.d|rc\d?\.d|systemd|cron[^/]*|logrotate\.d)|/usr/lib/systemd|/lib/systemd",
     "service management: the machine runs one program"),
    (r"/etc/pam\.d|/etc/security|/usr/lib/[^/]+/security|/etc/sudoers[^/]*", "logins"),
)  # fmt: skip
_COMPILED_KINDS = tuple((re.compile(rf"(?:{pattern})(?:/|$)"), words) for pattern, words in _KINDS)


@dataclass(frozen=True, slots=True)
class Inodes:
    """Files that are forbidden under any name: hard links to them, and where symlinks lead."""

    shells: frozenset[int]
    passwords: frozenset[int]
    rewritten: frozenset[str]  # paths that get a new text instead


def forbidden_inodes(tree: Tree, exe: str) -> Inodes:
    """The shells of an image, and what its password files are."""
    program = tree.get(exe)
    spared = {0, program.inode if program is not None else 0}
    shells = {node.inode for node in tree if node.type is NodeType.FILE and is_shell(node)}
    targets = [tree.resolve(path) for path in (*_PASSWORD_FILES, *ACCOUNT_FILES)]
    passwords = {node.inode for node in targets if node is not None}
    accounts = [tree.resolve(path) for path in ACCOUNT_FILES]
    rewritten = {node.path for node in accounts if node is not None}
    return Inodes(frozenset(shells - spared), frozenset(passwords - spared), frozenset(rewritten))


def is_device(node: Node) -> bool:
    return node.type in (NodeType.CHARACTER_DEVICE, NodeType.BLOCK_DEVICE)


def is_setuid(node: Node) -> bool:
    """Whether executing the file would change user or group."""
    return node.type is NodeType.FILE and bool(node.mode & SETUID_OR_SETGID)


def forbidden(node: Node, exe: str, inodes: Inodes) -> str | None:
    """Why a path may not be kept though something needs it; None when it may."""
    has_passwords = node.inode in inodes.passwords and node.path not in inodes.rewritten
    if has_passwords or node.path in _PASSWORD_FILES:
        return "password hashes and delegated ids: no one logs in"
    if node.path == exe or node.type is NodeType.DIRECTORY:
        return None
    if is_shell(node) or node.inode in inodes.shells:
        return "shell"
    if is_system_package_manager(node):
        return _DEAD[0]
    return None


def dead_kind(node: Node) -> str | None:
    """What a path is that no program has a use for; None for all else, and for directories that may
    be written to."""
    kind = _kind(node)
    if kind == _DEAD[2] and node.type is NodeType.DIRECTORY:
        return None
    return kind if kind in _DEAD else None


def is_of_runtime(path: str) -> bool:
    """Whether the runtime, not the image, decides what is at this path."""
    return bool(_OF_RUNTIME.match(path))


def description(node: Node, owner: Mapping[str, str]) -> str:
    """What an unneeded path is."""
    kind = _kind(node)
    if kind is not None:
        return kind
    if node.path in owner:
        return f"of package {owner[node.path]}; nothing the program needs names it"
    return "nothing the program needs names it"


def _kind(node: Node) -> str | None:
    for pattern, words in _COMPILED_KINDS:
        if pattern.match(node.path):
            return words
    return None
