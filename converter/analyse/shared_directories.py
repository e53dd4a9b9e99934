"""Which directories belong to one program, and which are everyone's.

A path written in a program names what it may open. Where that path is a directory everyone uses
("/etc", "/usr/share") keeping all it holds would keep the image; where it is the program's own, the
files in it are what the program reads. A directory is shared when it is one of hier(7)'s, or when
packages of more than one source own it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..model import Package

# hier(7) and FHS 3.0; those that every package may put files into.
_HIERARCHY = frozenset((
    "/", "/bin", "/boot", "/dev", "/etc", "/etc/default", "/etc/init.d", "/etc/opt", "/etc/ssl",
    "/home", "/lib", "/lib32", "/lib64", "/libx32", "/media", "/mnt", "/opt", "/proc", "/root",
    "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/games", "/usr/include",
    "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/lib/locale", "/usr/lib/x86_64-linux-gnu",
    "/usr/libexec", "/usr/libx32", "/usr/local", "/usr/local/bin", "/usr/local/etc",
    "/usr/local/games", "/usr/local/include", "/usr/local/lib", "/usr/local/libexec",
    "/usr/local/man", "/usr/local/sbin", "/usr/local/share", "/usr/local/src", "/usr/sbin",
    "/usr/share", "/usr/share/doc", "/usr/share/info", "/usr/share/locale", "/usr/share/man",
    "/usr/share/misc", "/usr/share/zoneinfo", "/usr/src", "/var", "/var/backups", "/var/cache",
    "/var/lib", "/var/local", "/var/lock", "/var/log", "/var/mail", "/var/opt", "/var/run",
    "/var/spool", "/var/tmp",
))  # fmt: skip
# Where files that change while the program runs belong (FHS 3.0 § 5).
_STATE_TOPS = ("/run", "/srv", "/tmp", "/var", "/opt", "/home", "/root")


class SharedDirectories:
    """Answers for one image."""

    def __init__(self, owners: Mapping[str, tuple[Package, ...]]) -> None:
        self._owners = owners

    def is_shared(self, path: str) -> bool:
        """Whether a directory (canonical path) is used by more than one program."""
        sources = {package.source for package in self._owners.get(path, ())}
        return path in _HIERARCHY or len(sources) > 1


def is_state_path(path: str) -> bool:
    """Whether programs write below here."""
    return any(path == top or path.startswith(f"{top}/") for top in _STATE_TOPS)
