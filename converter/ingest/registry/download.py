"""Blobs of a registry into the cache: continued where they were left off, checked before they are
believed. Several at once, each in a thread; the cache's lock sees to it that nobody fetches twice.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ... import cache
from ...errors import SourceError
from ...progress import Progress
from .. import digest
from ..blob import Blob
from . import transport
from .documents import Descriptor
from .session import NoSuchRangeError, Session
from .transport import UnavailableError, given_up

if TYPE_CHECKING:
    import httpx

_CHUNK_BYTES = 1 << 20
_TOLD_EVERY_BYTES = 1 << 19
# Slower than this for a minute is a connection to give up: the slowest modems had more.
_SLOWEST_BYTES_PER_S = 1024
_WINDOW_S = 60.0
# A connection that breaks after so much was still worth having: it is no failed attempt.
_WORTHWHILE_BYTES = 4 << 20


class CancelledError(Exception):
    """Another download failed, so that this one is of no use."""


@dataclass(frozen=True, slots=True)
class Download:
    """One blob to be had; `name` is what it is called while one waits for it."""

    session: Session
    descriptor: Descriptor
    name: str
    progress: Progress
    cancelled: threading.Event

    def run(self) -> Blob:
        """The blob in the cache, fetched if it is not there."""
        wanted = self.descriptor
        kept = self._kept() or self._fetched()
        size_bytes = kept.stat().st_size
        if size_bytes != wanted.size_bytes:
            raise SourceError(
                f"{self.name} ({wanted.digest}) is {size_bytes} bytes long, and its manifest says "
                f"{wanted.size_bytes}"
            )
        self.progress.part(self.name, wanted.size_bytes, wanted.size_bytes)
        return Blob(kept, 0, wanted.size_bytes)

    def _kept(self) -> Path | None:
        """What the cache has. Layers are checked as they are read; here only what is amiss."""
        kept = cache.find("blobs", self.descriptor.digest)
        if kept is None or kept.stat().st_size == self.descriptor.size_bytes:
            return kept
        with kept.open("rb") as file:
            if digest.of_file(file) == self.descriptor.digest:
                return kept  # it is the manifest that is wrong
        cache.discard(kept)
        return None

    def _fetched(self) -> Path:
        target = cache.path("blobs", self.descriptor.digest)
        with cache.continuing(target, self._tell_waiting) as partial:
            if partial is not None:
                _Transfer(self, partial).complete()
        return target

    def _tell_waiting(self) -> None:
        self.progress.part(f"{self.name} (another process fetches it)", 0, None)


class _Transfer:
    """The rest of a partial file."""

    def __init__(self, download: Download, partial: BinaryIO) -> None:
        self._download = download
        self._wanted = download.descriptor
        self._partial = partial
        self._state = hashlib.sha256()
        self._done_bytes = 0
        self._told_bytes = 0

    def complete(self) -> None:
        """Whole and checked, or an error; what was fetched stays for the next attempt."""
        self._read_what_is_there()
        was_begun = self._done_bytes > 0
        self._fetch_rest()
        if self._is_right():
            return
        self._start_again()
        if was_begun:  # what was there may have been damaged: once more, from nothing
            self._fetch_rest()
        if not was_begun or not self._is_right():
            actual = self._state.hexdigest()
            self._start_again()
            raise SourceError(
                f"{self._download.name}: the registry gave content with the digest "
                f"sha256:{actual} for {self._wanted.digest}"
            )

    def _is_right(self) -> bool:
        return f"sha256:{self._state.hexdigest()}" == self._wanted.digest

    def _read_what_is_there(self) -> None:
        self._partial.seek(0)
        while chunk := self._partial.read(_CHUNK_BYTES):
            self._state.update(chunk)
            self._done_bytes += len(chunk)
        if self._done_bytes > self._wanted.size_bytes:
            self._start_again()

    def _start_again(self) -> None:
        self._partial.seek(0)
        self._partial.truncate()
        self._state = hashlib.sha256()
        self._done_bytes = self._told_bytes = 0

    def _fetch_rest(self) -> None:
        """Patience is for attempts that brought little: the more the size, the more attempts."""
        failed, pause_s = 0, transport.PATIENCE.first_pause_s
        most = transport.PATIENCE.attempts + self._wanted.size_bytes // _WORTHWHILE_BYTES
        for tried in itertools.count(1):
            if self._done_bytes == self._wanted.size_bytes:
                return
            before_bytes = self._done_bytes
            try:
                self._fetch_once()
            except UnavailableError as problem:
                if self._done_bytes - before_bytes >= _WORTHWHILE_BYTES:
                    failed, pause_s = 0, transport.PATIENCE.first_pause_s
                failed += 1
                if failed >= transport.PATIENCE.attempts or tried >= most:
                    raise given_up(problem, tried) from problem
                self._pause(problem, max(pause_s, problem.after_s))
                pause_s = min(2 * pause_s, transport.PATIENCE.longest_pause_s)

    def _pause(self, problem: UnavailableError, pause_s: float) -> None:
        if pause_s > transport.PATIENCE.longest_pause_s:
            raise given_up(problem, 1) from problem
        if isinstance(problem, NoSuchRangeError):
            self._start_again()
        if self._download.cancelled.wait(pause_s):
            raise CancelledError

    def _fetch_once(self) -> None:
        headers = {"Range": f"bytes={self._done_bytes}-"} if self._done_bytes else {}
        path = f"blobs/{self._wanted.digest}"
        with self._download.session.open(path, headers) as response:
            self._place(response)
            self._require_length(response)
            self._receive(response)
        if self._done_bytes < self._wanted.size_bytes:
            raise UnavailableError(
                f"{self._download.name} was cut short: {self._done_bytes} of "
                f"{self._wanted.size_bytes} bytes"
            )

    def _place(self, response: httpx.Response) -> None:
        """Where the body begins (RFC 9110 § 14.4): a server may give all instead of the rest."""
        if response.status_code == 200:
            if self._done_bytes:
                self._start_again()
            return
        stated = response.headers.get("content-range", "")
        if not stated.startswith(f"bytes {self._done_bytes}-"):
            self._start_again()
            raise UnavailableError(f"the registry answers with the range {stated[:60]!r}")

    def _require_length(self, response: httpx.Response) -> None:
        """A body that says it is too long is not read at all."""
        stated = response.headers.get("content-length", "")
        room_bytes = self._wanted.size_bytes - self._done_bytes
        if stated.isdigit() and int(stated) > room_bytes:
            raise self._too_long()

    def _receive(self, response: httpx.Response) -> None:
        began_s, began_bytes = time.monotonic(), self._done_bytes
        for chunk in response.iter_raw():
            if self._download.cancelled.is_set():
                raise CancelledError
            if len(chunk) > self._wanted.size_bytes - self._done_bytes:
                raise self._too_long()
            self._partial.write(chunk)
            self._state.update(chunk)
            self._done_bytes += len(chunk)
            self._tell()
            now_s = time.monotonic()
            if now_s - began_s > _WINDOW_S:
                if self._done_bytes - began_bytes < _SLOWEST_BYTES_PER_S * _WINDOW_S:
                    raise UnavailableError(f"{self._download.name}: the registry all but stopped")
                began_s, began_bytes = now_s, self._done_bytes

    def _too_long(self) -> SourceError:
        self._start_again()
        return SourceError(
            f"{self._download.name} ({self._wanted.digest}) is longer than the "
            f"{self._wanted.size_bytes} bytes that its manifest says"
        )

    def _tell(self) -> None:
        is_whole = self._done_bytes == self._wanted.size_bytes
        if is_whole or self._done_bytes - self._told_bytes >= _TOLD_EVERY_BYTES:
            self._told_bytes = self._done_bytes
            self._download.progress.part(
                self._download.name, self._done_bytes, self._wanted.size_bytes
            )
