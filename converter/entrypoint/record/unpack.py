"""The image's files, made in memory once for all runs of it.

Runs inside the sandbox's user and mount namespaces. Parents come before what they hold, and every
path is made with lchown(2) and the like: the one link that could lead elsewhere, a parent that is a
symlink, is none in a merged tree. Device nodes are left out, as no user namespace may make them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from ...model import NodeType
from .request import Entry

# Where the sandbox mounts something; made where the image has no such directory.
MOUNT_DIRECTORIES = ("/dev", "/proc", "/sys")
MOUNT_FILES = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
OVERLAY_XATTRS = "user.overlay."
_PIECE_BYTES = 1 << 24


def unpack(entries: Sequence[Entry], root: str) -> None:
    """Make every entry below `root`, which exists."""
    os.umask(0)
    first_of: dict[int, str] = {}
    for entry in entries:
        if _is_under_a_mount(entry):
            continue
        where = root + entry.path
        if entry.type is NodeType.FILE and entry.inode and entry.inode in first_of:
            os.link(first_of[entry.inode], where, follow_symlinks=False)
            continue
        first_of[entry.inode] = where
        _make(entry, where)
    _make_mount_points(root)
    for entry in reversed(entries):
        if entry.type is NodeType.DIRECTORY and not _is_under_a_mount(entry):
            os.utime(root + entry.path, (entry.mtime, entry.mtime))


def _is_under_a_mount(entry: Entry) -> bool:
    return any(
        entry.path.startswith(f"{place}/")
        or (entry.path == place and entry.type is not NodeType.DIRECTORY)
        for place in MOUNT_DIRECTORIES
    )


def _make(entry: Entry, where: str) -> None:
    if entry.type is NodeType.FILE:
        _make_file(entry, where)
    elif entry.type is NodeType.DIRECTORY:
        _make_directory(entry, where)
    elif entry.type is NodeType.SYMLINK:
        os.symlink(entry.target or "", where)
        _give(entry, where)
        os.utime(where, (entry.mtime, entry.mtime), follow_symlinks=False)
    elif entry.type is NodeType.FIFO:
        os.mkfifo(where, entry.mode)
        _give(entry, where)
        os.chmod(where, entry.mode)


def _make_directory(entry: Entry, where: str) -> None:
    if entry.path != "/":
        os.mkdir(where, entry.mode)
    _give(entry, where)
    os.chmod(where, entry.mode)
    _set_xattrs(entry, where)


def _make_file(entry: Entry, where: str) -> None:
    """chown(2) takes the setuid bit and the capabilities away: they come after it."""
    file = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, entry.mode & 0o777)
    try:
        if entry.place is not None:
            copy(entry.place.descriptor, entry.place.offset, file, entry.size)
        if entry.uid or entry.gid:
            _give(entry, where)
        if entry.mode & 0o7000:
            os.fchmod(file, entry.mode)
        _set_xattrs(entry, where)
        os.utime(file, (entry.mtime, entry.mtime))
    finally:
        os.close(file)


def copy(source: int, offset: int, target: int, size_bytes: int) -> None:
    """Inside the kernel, from a place in one file to where another is at (sendfile(2))."""
    left = size_bytes
    while left:
        done = os.sendfile(target, source, offset, min(left, _PIECE_BYTES))
        if done == 0:
            raise OSError(errno.EIO, f"the image's file ended {left} bytes early")
        offset += done
        left -= done


def _give(entry: Entry, where: str) -> None:
    if entry.uid or entry.gid:
        os.chown(where, entry.uid, entry.gid, follow_symlinks=False)


def _set_xattrs(entry: Entry, where: str) -> None:
    """Those that a user namespace may set; others (security.ima, trusted.*) say nothing to a
    program that has no more rights than a container. What overlayfs would take for its own marks
    is none of an image's."""
    for name, value in entry.xattrs.items():
        if name.startswith(OVERLAY_XATTRS):
            continue
        try:
            os.setxattr(where, name, value, follow_symlinks=False)
        except OSError as refused:
            if refused.errno not in (errno.EPERM, errno.ENOTSUP):
                raise


def _make_mount_points(root: str) -> None:
    for place in MOUNT_DIRECTORIES:
        os.makedirs(root + place, 0o755, exist_ok=True)
    if not os.path.lexists(f"{root}/etc"):
        os.mkdir(f"{root}/etc", 0o755)
    for place in MOUNT_FILES:
        if os.path.isdir(f"{root}/etc") and not os.path.islink(f"{root}/etc"):
            _make_empty(root + place)


def _make_empty(where: str) -> None:
    if not os.path.lexists(where):
        os.close(os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
