"""Programs that matter to security by what they are, told by the file's name and place.

Names, not contents: a shell under another name is not seen.
"""

from __future__ import annotations

import posixpath

from .model import Node, NodeType

# Programs that read commands from whoever reaches them, by the name of the file.
SHELLS = frozenset(
    ("ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "ksh93", "mksh", "rbash", "sh",
     "tcsh", "toybox", "zsh")
)  # fmt: skip
_PACKAGE_MANAGERS = frozenset(
    ("apk", "apt", "apt-cache", "apt-cdrom", "apt-config", "apt-get", "apt-key", "apt-mark",
     "aptitude", "dnf", "dpkg", "dpkg-deb", "dpkg-divert", "dpkg-maintscript-helper", "dpkg-query",
     "dpkg-split", "dpkg-statoverride", "dpkg-trigger", "microdnf", "pacman", "rpm", "yum",
     "zypper")
)  # fmt: skip
_PROGRAM_DIRECTORIES = frozenset(
    ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
)


def is_shell(node: Node) -> bool:
    """Whether a path is a shell: a program called as one, or a link that leads to one."""
    if node.type is NodeType.SYMLINK:
        named = posixpath.basename(node.target or "") in SHELLS
        return named or (
            posixpath.basename(node.path) in SHELLS
            and posixpath.dirname(node.path) in _PROGRAM_DIRECTORIES
        )
    is_program = node.type is NodeType.FILE and bool(node.mode & 0o111)
    return is_program and posixpath.basename(node.path) in SHELLS


def is_package_manager(node: Node) -> bool:
    """Whether a path is a program that installs packages."""
    directory, name = posixpath.split(node.path)
    return name in _PACKAGE_MANAGERS and directory in _PROGRAM_DIRECTORIES
