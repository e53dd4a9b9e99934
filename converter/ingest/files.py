"""The files that an image is made of, by name: in a directory, or in a tar that stays as it is.

No link leads anywhere but to another file of the same tar; a directory's own links are not followed
(an image layout needs none, and one could lead to any file of this machine).
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import SourceError
from . import digest, limits
from .blob import Blob

_LINKS = 8  # docker 20.10 links equal layers to each other; a longer chain is a loop


class Files(Protocol):
    """Where documents and blobs are found."""

    @property
    def shown(self) -> str:
        """What messages call it."""

    def find(self, name: str) -> Blob | None:
        """The file with this relative name; None when there is none."""


@dataclass(frozen=True, slots=True)
class Directory:
    path: Path

    @property
    def shown(self) -> str:
        return str(self.path)

    def find(self, name: str) -> Blob | None:
        path = self.path / name
        parts = [path, *path.parents][: len(Path(name).parts)]
        if any(part.is_symlink() for part in parts) or not path.is_file():
            return None
        return Blob(path, 0, path.stat().st_size)


@dataclass(frozen=True, slots=True)
class TarFiles:
    """The members of an uncompressed tar."""

    shown: str
    ranges: Mapping[str, Blob]
    links: Mapping[str, str]

    def find(self, name: str) -> Blob | None:
        followed = name
        for _ in range(_LINKS):
            if followed in self.ranges:
                return self.ranges[followed]
            followed = self.links.get(followed, "")
        return None


def require(files: Files, name: str) -> Blob:
    blob = files.find(name)
    if blob is None:
        raise SourceError(f"{files.shown}: {name} is missing, or a link that leads nowhere in it")
    return blob


def document(files: Files, name: str) -> bytes:
    """A manifest, index or configuration: of a size that can be held."""
    blob = require(files, name)
    if blob.size > limits.METADATA_BYTES:
        raise SourceError(f"{files.shown}: {name} is larger than {limits.METADATA_BYTES} bytes")
    return blob.read()


def require_digest(blob: Blob, stated: str, *, of: str) -> None:
    with blob.open() as file:
        actual = digest.of_file(file)
    if actual != stated:
        raise SourceError(f"{of} {stated} has digest {actual}")


class _Headers(io.FileIO):
    """A tar of which only headers are read: tarfile would hold a PAX record of any length."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= limits.HEADER_BYTES:
            raise ValueError(f"a header of {size} bytes")
        return super().read(size) or b""


def read_tar(path: Path, shown: str, *, made_with: str) -> TarFiles:
    """An index of a tar; `made_with` is the command that makes a right one."""
    ranges: dict[str, Blob] = {}
    links: dict[str, str] = {}
    size_bytes = path.stat().st_size
    try:
        with _Headers(path) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for count, member in enumerate(archive):
                _require_plain(member, count, size_bytes)
                name = member.name.removeprefix("./")
                links.pop(name, None)  # of a name that comes twice the last counts
                ranges.pop(name, None)
                if member.isreg() and not member.sparse:
                    ranges[name] = Blob(path, member.offset_data, member.size)
                elif member.issym():
                    links[name] = _link_target(name, member.linkname)
                elif member.islnk():
                    links[name] = member.linkname.removeprefix("./")
                archive.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
    except (tarfile.TarError, OSError, ValueError) as broken:
        raise SourceError(
            f"{shown} is not an archive of an image: {broken}", hint=f"make one with `{made_with}`"
        ) from broken
    return TarFiles(shown, ranges, links)


def _require_plain(member: tarfile.TarInfo, count: int, size_bytes: int) -> None:
    """A negative size would send tarfile back to where it has been, for ever."""
    if member.size < 0:
        raise ValueError(f"{member.name!r} claims to be {member.size} bytes long")
    if count >= limits.MEMBERS:
        raise ValueError(f"more than {limits.MEMBERS} members")
    if member.isreg() and not member.sparse and member.offset_data + member.size > size_bytes:
        raise ValueError(f"it is cut short: it ends in the middle of {member.name!r}")


def _link_target(name: str, target: str) -> str:
    """`../ID/layer.tar` beside `OTHER/layer.tar`, as docker 20.10 writes it."""
    parts = name.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
