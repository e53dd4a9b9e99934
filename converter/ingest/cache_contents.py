"""What the cache holds, in words, and taking away what is of no more use.

Only what this project made there is listed or removed; anything else in the directory stays.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import cache

_KINDS = {
    "images": "an image of a local daemon",
    "archives": "an archive, uncompressed",
    "piped": "an archive that came through a pipe",
    "blobs": "a blob of a registry",
    "layers": "a layer, uncompressed",
    "partial": "a download that was interrupted",
    "calls": "system calls that a program file can make",
    "programs": "what the files of a layer are as programs",
    "secrets": "where a layer has secrets",
    "pulls": "what a name was when it was pulled",
}
UNUSED_S = 30 * 24 * 3600.0  # after so long nobody seems to need it


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the cache."""

    path: Path
    kind: str
    digest: str  # of what it holds, or will hold; empty for what was left half written
    what: str
    size_bytes: int  # as it takes up the disk
    unused_s: float  # since it was made or used last
    is_leftover: bool


def entries() -> tuple[Entry, ...]:
    """Everything, by kind and then by size, the largest first."""
    names = _names()
    found = [
        _entry(path, kind, names)
        for kind in _KINDS
        for path in sorted((cache.directory() / kind).glob("*"))
        if not path.is_symlink()
    ]
    order = list(_KINDS)
    return tuple(sorted(found, key=lambda one: (order.index(one.kind), -one.size_bytes)))


def prune(older_than_s: float = UNUSED_S) -> tuple[Entry, ...]:
    """Remove what was not used for so long, and whatever an interruption left; what it was.

    SourceError when somebody uses the cache: what is left half written may be theirs.
    """
    with cache.alone():
        gone = [one for one in entries() if one.is_leftover or one.unused_s >= older_than_s]
        for entry in gone:
            _remove(entry.path)
    return tuple(gone)


def document(listed: Sequence[Entry]) -> dict[str, Any]:
    """The same for a program to read."""
    return {
        "size_bytes": sum(one.size_bytes for one in listed),
        "entries": [
            {
                "kind": one.kind,
                "digest": one.digest or None,
                "what": one.what,
                "size_bytes": one.size_bytes,
                "unused_s": round(one.unused_s),
                "path": str(one.path),
            }
            for one in listed
        ],
    }


def in_words(time_s: float) -> str:
    """A length of time in its largest whole unit."""
    for unit, unit_s in (("d", 86400), ("h", 3600), ("min", 60)):
        if time_s >= unit_s:
            return f"{int(time_s // unit_s)} {unit}"
    return f"{int(time_s)} s"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)  # where something was put together
    else:
        path.unlink(missing_ok=True)


def _size_bytes(path: Path) -> int:
    """What it takes up on the disk."""
    parts = [path, *path.rglob("*")] if path.is_dir() else [path]
    return sum(part.lstat().st_blocks * 512 for part in parts)


def _entry(path: Path, kind: str, names: Mapping[str, str]) -> Entry:
    status = path.stat()
    is_half_written = path.name.startswith(cache.TEMPORARY)
    return Entry(
        path=path,
        kind=kind,
        digest="" if is_half_written else path.name.replace("-", ":", 1),
        what=_what(path, kind, names),
        size_bytes=_size_bytes(path),
        unused_s=max(0.0, time.time() - status.st_mtime),
        is_leftover=is_half_written or kind == "partial",
    )


def _what(path: Path, kind: str, names: Mapping[str, str]) -> str:
    if path.name.startswith(cache.TEMPORARY):
        return "left half written"
    name = names.get(path.name)
    if kind in ("blobs", "layers"):
        return name or _KINDS[kind]
    return f"{_KINDS[kind]}: {name}" if name else _KINDS[kind]


def _names() -> Mapping[str, str]:
    """What the files are parts of, by their names, as pulls recorded it."""
    found: dict[str, str] = {}
    for path in sorted((cache.directory() / "pulls").glob("sha256-*")):
        for digest, what in _parts(path):
            found.setdefault(digest.replace(":", "-"), what)
    return found


def _parts(path: Path) -> Iterator[tuple[str, str]]:
    """A record that cannot be read names nothing; `kept.record` says what it looks like."""
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        name = f"{document['reference']} ({document['platform']})"
        config, *layers = map(str, document["blobs"])
        diff_ids = list(map(str, document["diff_ids"]))
        manifest = str(document["manifest"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    yield path.name, name
    yield manifest, f"manifest of {name}"
    yield config, f"configuration of {name}"
    for listed in (layers, diff_ids):
        for number, digest in enumerate(listed, start=1):
            yield digest, f"layer {number} of {name}"
