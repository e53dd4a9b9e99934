"""The files that a start-up made, changed or removed, read from an overlay's upper directory.

A snapshot copies what changed since the one before into a spool and keeps the rest, so that one at
every execve is cheap. Whether a file changed is told by its times and size, which only the first
write through a shared mapping moves: where it matters most, all that was kept is compared first.

Overlay's own marks (Documentation/filesystems/overlayfs.rst): a character device 0:0 hides a path,
`user.overlay.opaque` on a directory hides what is below it in the image. Sockets are left out: they
mean nothing without their process.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from ...model import NodeType
from . import linux
from .request import Entry
from .unpack import MOUNT_DIRECTORIES, MOUNT_FILES, OVERLAY_XATTRS, copy

_OPAQUE = f"{OVERLAY_XATTRS}opaque"
_COMPARED_BYTES = 1 << 20
_TYPES = {
    stat.S_IFREG: NodeType.FILE,
    stat.S_IFDIR: NodeType.DIRECTORY,
    stat.S_IFLNK: NodeType.SYMLINK,
    stat.S_IFIFO: NodeType.FIFO,
}


class SpoolFullError(Exception):
    """More was written than the spool may hold."""


class UnreadableError(Exception):
    """Files that nobody can read: a path that is too long, for one."""


@dataclass(frozen=True, slots=True)
class Found:
    """One path of an upper directory."""

    path: str
    type: NodeType | None  # None: hides what the image has
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int
    offset: int  # in the spool
    inode: int
    target: str | None
    xattrs: Mapping[str, bytes]
    is_opaque: bool


_Key = tuple[int, int, int, int]  # inode, ctime, size, links
Snapshot = Mapping[str, Found]


class Snapshots:
    """Takes them, one after the other, of one upper directory."""

    def __init__(self, upper: str, spool: int, spool_limit_bytes: int) -> None:
        self._upper = upper
        self._directory = os.open(upper, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._spool = spool
        self._end = 0
        self._limit_bytes = spool_limit_bytes
        self._known: dict[str, tuple[_Key, Found]] = {}
        self._copied: dict[_Key, int] = {}  # where in the spool: hard links are copied once
        self._doubted: dict[_Key, int] = {}  # the same, to be compared before it counts

    def take(self) -> Snapshot:
        """Everything there is, parents first. The processes that write it must stand still."""
        try:
            return self._taken()
        except OSError as refused:
            raise UnreadableError(refused.strerror) from refused

    def take_anew(self) -> Snapshot:
        """The same, trusting no file's times."""
        self._known = {}
        self._doubted, self._copied = self._copied, {}
        return self.take()

    def written(self, image: Mapping[str, Entry]) -> tuple[str, ...] | None:
        """Every path that was made or copied up and is there now, None where they cannot be read:
        overlay copies a file when it is opened to write. A directory that leads to one is none."""
        mounts = (*MOUNT_DIRECTORIES, *MOUNT_FILES)
        try:
            found = [(path, status) for path, status in self._walk() if path not in mounts]
        except OSError:
            return None
        made = (path for path, status in found if not _is_on_the_way(image.get(path), status))
        return tuple(sorted(made))

    def _taken(self) -> Snapshot:
        seen: dict[str, tuple[_Key, Found]] = {}
        for path, status in self._walk():
            key = (status.st_ino, status.st_ctime_ns, status.st_size, status.st_nlink)
            known = self._known.get(path)
            if known is not None and known[0] == key:
                seen[path] = known
                continue
            with suppress(FileNotFoundError):  # by one that could not be stopped in time
                found = self._found(path, status, key)
                if found is not None:
                    seen[path] = (key, found)
        self._known = seen
        return {path: found for path, (_, found) in seen.items()}

    def _walk(self) -> Iterator[tuple[str, os.stat_result]]:
        """The container's path and the status of each, the top directory first."""
        yield "/", os.lstat(self._upper)
        waiting = [""]
        while waiting:
            directory = waiting.pop()
            with os.scandir(self._upper + directory) as entries:
                for entry in entries:
                    path = f"{directory}/{entry.name}"
                    status = entry.stat(follow_symlinks=False)
                    yield path, status
                    if stat.S_ISDIR(status.st_mode) and path not in MOUNT_DIRECTORIES:
                        waiting.append(path)

    def _found(self, path: str, status: os.stat_result, key: _Key) -> Found | None:
        where = self._upper + path
        is_hidden = stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
        kind = _TYPES.get(stat.S_IFMT(status.st_mode))
        if kind is None and not is_hidden:
            return None
        names = () if is_hidden else os.listxattr(where, follow_symlinks=False)
        xattrs = {name: os.getxattr(where, name, follow_symlinks=False) for name in names}
        return Found(
            path=path,
            type=kind,
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
            mtime=int(status.st_mtime),
            size=status.st_size if kind is NodeType.FILE else 0,
            offset=self._spooled(path, key) if kind is NodeType.FILE else 0,
            inode=status.st_ino,
            target=os.readlink(where) if kind is NodeType.SYMLINK else None,
            xattrs={n: value for n, value in xattrs.items() if not n.startswith(OVERLAY_XATTRS)},
            is_opaque=xattrs.get(_OPAQUE) == b"y",
        )

    def _spooled(self, path: str, key: _Key) -> int:
        """Where in the spool the file now is."""
        if key not in self._copied:
            source = linux.open_inside(self._directory, path[1:])
            try:
                self._copied[key] = self._placed(source, key)
            finally:
                os.close(source)
        return self._copied[key]

    def _placed(self, source: int, key: _Key) -> int:
        """Where it was, if that is still what it holds, or a new place."""
        offset = self._doubted.get(key)
        if offset is not None and _is_same(source, self._spool, offset, key[2]):
            return offset
        return self._added(source, key[2])

    def _added(self, source: int, size_bytes: int) -> int:
        offset = self._end
        if offset + size_bytes > self._limit_bytes:
            raise SpoolFullError
        os.lseek(self._spool, offset, os.SEEK_SET)
        copy(source, 0, self._spool, size_bytes)
        self._end += size_bytes
        return offset


def _is_same(file: int, spool: int, offset: int, size_bytes: int) -> bool:
    """Whether a file's bytes are those of a place in a spool."""
    return all(
        os.pread(file, _COMPARED_BYTES, place)
        == os.pread(spool, min(_COMPARED_BYTES, size_bytes - place), offset + place)
        for place in range(0, size_bytes, _COMPARED_BYTES)
    )


def _is_on_the_way(was: Entry | None, status: os.stat_result) -> bool:
    """Whether a directory is the image's own, with its mode and owner."""
    return (
        was is not None
        and was.type is NodeType.DIRECTORY
        and stat.S_ISDIR(status.st_mode)
        and (was.mode, was.uid, was.gid)
        == (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    )


class Comparison:
    """What of a snapshot is a change to the image."""

    def __init__(self, image: Mapping[str, Entry], lower: str, spool: int) -> None:
        self._image = image
        self._lower = lower
        self._spool = spool

    def changes(self, snapshot: Snapshot) -> list[tuple[str, Found | None]]:
        """Each path with what is there now, None where the image's own is gone; in path order.

        A file that was only touched, or written with what it held, is none: its time alone does
        not count.
        """
        changed: dict[str, Found | None] = dict.fromkeys(self._removed(snapshot))
        for path, found in snapshot.items():
            if found.type is not None and not self._is_the_images(found):
                changed[path] = found
        return sorted(changed.items(), key=lambda item: item[0].split("/"))

    def _removed(self, snapshot: Snapshot) -> Iterator[str]:
        """Paths of the image that are not to be seen any more."""
        hidden_below = {
            path.rstrip("/") + "/"
            for path, found in snapshot.items()
            if found.type is None or found.is_opaque or self._replaces_a_directory(found)
        }
        for path in self._image if hidden_below else ():
            here = snapshot.get(path)
            is_hidden = any(prefix in hidden_below for prefix in _prefixes(path))
            if here.type is None if here is not None else is_hidden:
                yield path

    def _replaces_a_directory(self, found: Found) -> bool:
        was = self._image.get(found.path)
        is_directory = was is not None and was.type is NodeType.DIRECTORY
        return is_directory and found.type is not NodeType.DIRECTORY

    def _is_the_images(self, found: Found) -> bool:
        was = self._image.get(found.path)
        if was is None:
            return found.path in (*MOUNT_DIRECTORIES, *MOUNT_FILES)
        if (was.type, was.uid, was.gid) != (found.type, found.uid, found.gid):
            return False
        if was.type is NodeType.SYMLINK:
            return was.target == found.target
        if was.mode != found.mode or self._xattrs_kept(was) != dict(found.xattrs):
            return False
        return was.type is not NodeType.FILE or self._is_same_content(was, found)

    def _xattrs_kept(self, was: Entry) -> dict[str, bytes]:
        """Of the image's, those that could be set here."""
        if not was.xattrs:
            return {}
        kept = {}
        for name in was.xattrs:
            with suppress(OSError):
                kept[name] = os.getxattr(self._lower + was.path, name, follow_symlinks=False)
        return kept

    def _is_same_content(self, was: Entry, found: Found) -> bool:
        if was.size != found.size:
            return False
        source = os.open(self._lower + was.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            return _is_same(source, self._spool, found.offset, was.size)
        finally:
            os.close(source)


def _prefixes(path: str) -> Iterator[str]:
    """Each directory above a path, with a slash at its end."""
    place = path.find("/")
    while place >= 0:
        yield path[: place + 1]
        place = path.find("/", place + 1)
