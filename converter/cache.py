"""Files kept between runs, under XDG_CACHE_HOME/dock2uk, each named by the digest of its content.

A file appears under its name only when it is whole and checked: it is written beside and renamed.
Nothing is synced to disk: whoever reads a file checks its digest again, and discards what a loss of
power has damaged. Locks (flock(2)): a download's own partial file, for whoever continues it; `lock`
at the top, shared by those who read and taken alone by who removes (see cache_contents).
"""

from __future__ import annotations

import fcntl
import functools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .errors import SourceError

TEMPORARY = ".partial-"  # begins the name of a file that is being written
_POLL_S = 0.1
_STANDSTILL_S = 600.0  # of another process's download: longer than its own patience lasts


def directory() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dock2uk"


def path(kind: str, digest: str) -> Path:
    """Where the content with this digest ("sha256:…", already validated) is kept."""
    return directory() / kind / digest.replace(":", "-")


def find(kind: str, digest: str) -> Path | None:
    """Where it is kept, if it is; `cache prune` goes by when that was asked last."""
    kept = path(kind, digest)
    if not kept.exists():
        return None
    with suppress(OSError):  # of another user, or read-only: the time does not matter then
        os.utime(kept)
    return kept


def discard(damaged: Path) -> str | None:
    """Keep a damaged file of ours no longer; what to try then, None when it is not ours."""
    if directory() not in damaged.parents:
        return None
    damaged.unlink(missing_ok=True)
    return "the damaged copy in the cache is gone: try again"


@contextmanager
def writing(target: Path) -> Iterator[BinaryIO]:
    """A file that becomes `target` when the block is left without an error, and vanishes else."""
    _make(target.parent)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=TEMPORARY)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def continuing(target: Path, when_waiting: Callable[[], None]) -> Iterator[BinaryIO | None]:
    """What there is of `target`, to be completed by us alone, or None when it is whole.

    Left without an error, the file becomes `target`; else it stays for the next attempt, of this
    process or another.
    """
    partial = directory() / "partial" / target.name
    _make(partial.parent)
    _make(target.parent)
    file = _locked(partial, target, when_waiting)
    if file is None:
        yield None
        return
    with file:
        yield file
        file.flush()
        partial.replace(target)


def _locked(partial: Path, target: Path, when_waiting: Callable[[], None]) -> BinaryIO | None:
    """The partial file, locked; None when `target` is there."""
    while not target.exists():
        file = os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        try:
            _wait_for(file, when_waiting)
            if target.exists():
                _unlink_same(partial, file)
            elif _is_same(partial, file):
                return file
        except BaseException:
            file.close()
            raise
        file.close()
    return None


def _wait_for(file: BinaryIO, when_waiting: Callable[[], None]) -> None:
    """Lock the file, for as long as another process adds to it."""
    if _is_lockable(file):
        return
    when_waiting()
    size_bytes, moved_s = -1, time.monotonic()
    while not _is_lockable(file):
        now_bytes = os.fstat(file.fileno()).st_size
        if now_bytes != size_bytes:
            size_bytes, moved_s = now_bytes, time.monotonic()
        if time.monotonic() - moved_s > _STANDSTILL_S:
            raise SourceError(
                f"another process downloads {file.name} and makes no headway",
                hint="end it, and try again",
            )
        time.sleep(_POLL_S)


def _is_lockable(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same(partial: Path, file: BinaryIO) -> bool:
    """Whether the name still is this file: who had the lock before may have renamed it."""
    try:
        return os.path.samestat(partial.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _unlink_same(partial: Path, file: BinaryIO) -> None:
    if _is_same(partial, file):
        partial.unlink()


def hold() -> None:
    """Let nobody remove what is in the cache until this process has ended."""
    with suppress(OSError):  # nothing can be kept in such a cache, so nothing has to be held
        _held(directory())


@functools.cache
def _held(where: Path) -> BinaryIO:
    _make(where)
    file = (where / "lock").open("ab")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


@contextmanager
def alone() -> Iterator[None]:
    """Nobody else uses the cache inside the block; SourceError when somebody does."""
    _make(directory())
    with (directory() / "lock").open("ab") as file:
        if not _is_lockable(file):
            raise SourceError(
                f"the cache {directory()} is in use by another process",
                hint="try when it has ended",
            )
        yield


def _make(where: Path) -> None:
    """Images may be private, so what is made of the cache is for its user alone."""
    if not where.is_dir():
        directory().mkdir(mode=0o700, parents=True, exist_ok=True)
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
