"""`docker save` archives, in the old form (manifest.json, anywhere in the tar) and in the new (an
OCI layout inside, which also has manifest.json). Read in place: layers stay where they are.
"""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..errors import SourceError
from . import cache, digest, limits
from .blob import Blob
from .manifest import Manifest, assemble, parse_any, strings

_LINKS = 8  # docker 20.10 links equal layers to each other; a longer chain is a loop


@dataclass(frozen=True, slots=True)
class _Members:
    """The files of an archive by name."""

    path: Path
    ranges: Mapping[str, Blob]
    links: Mapping[str, str]

    def get(self, name: str) -> Blob:
        followed = name
        for _ in range(_LINKS):
            if followed in self.ranges:
                return self.ranges[followed]
            followed = self.links.get(followed, "")
        raise SourceError(f"{self.path}: {name} is missing from the archive")


def open_archive(location: str) -> Manifest:
    """The image in `FILE` or `FILE:REF`."""
    path, reference = _split(location)
    return read_archive(_plain(path), reference, shown=str(path))


def read_archive(path: Path, reference: str | None, *, shown: str) -> Manifest:
    """The image in an uncompressed archive; `shown` is what messages call it."""
    members = _index(path, shown)
    entry = _choose(_manifest_entries(members, shown), reference, shown)
    config_name = str(entry.get("Config"))
    config = _metadata(members, config_name, shown)
    _check_config_name(config_name, config, shown)
    layers = [members.get(name) for name in strings(shown, entry, "Layers")]
    return assemble(shown, config, layers)


def _split(location: str) -> tuple[Path, str | None]:
    if Path(location).exists() or ":" not in location:
        return Path(location), None
    file, _, reference = location.partition(":")
    return Path(file), reference


def _plain(path: Path) -> Path:
    """The archive itself, or, of a compressed one as skopeo takes it, its expansion."""
    try:
        with path.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                return path
            file.seek(0)
            kept = cache.path("archives", digest.of_file(file))
    except OSError as problem:
        raise SourceError(f"cannot read {path}: {problem.strerror}") from problem
    if not kept.exists():
        _expand(path, kept)
    return kept


def _expand(path: Path, kept: Path) -> None:
    limit_bytes = max(path.stat().st_size, 1 << 16) * limits.EXPANSION
    try:
        with gzip.open(path) as plain, cache.writing(kept) as output:
            while chunk := plain.read(1 << 20):
                output.write(chunk)
                if output.tell() > limit_bytes:
                    raise SourceError(f"{path} is a decompression bomb")
    except (EOFError, gzip.BadGzipFile) as broken:
        raise SourceError(f"{path} cannot be decompressed: {broken}") from broken


def _index(path: Path, shown: str) -> _Members:
    ranges: dict[str, Blob] = {}
    links: dict[str, str] = {}
    try:
        with tarfile.open(path, mode="r:") as archive:
            for count, member in enumerate(archive):
                _require_plain(member, count)
                name = member.name.removeprefix("./")
                if member.isreg():
                    ranges[name] = Blob(path, member.offset_data, member.size)
                elif member.issym():
                    links[name] = _link_target(name, member.linkname)
                elif member.islnk():
                    links[name] = member.linkname
    except (tarfile.TarError, OSError, ValueError) as broken:
        raise SourceError(
            f"{shown} is not a docker archive: {broken}", hint="make one with `docker save`"
        ) from broken
    return _Members(path, ranges, links)


def _require_plain(member: tarfile.TarInfo, count: int) -> None:
    """A negative size would send tarfile back to where it has been, for ever."""
    if member.size < 0:
        raise ValueError(f"{member.name!r} claims to be {member.size} bytes long")
    if count >= limits.MEMBERS:
        raise ValueError(f"more than {limits.MEMBERS} members")


def _link_target(name: str, target: str) -> str:
    """`../ID/layer.tar` beside `OTHER/layer.tar`, as docker 20.10 writes it."""
    parts = name.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return "/".join(parts)


def _manifest_entries(members: _Members, shown: str) -> list[dict[str, Any]]:
    data = _metadata(members, "manifest.json", shown)
    entries = parse_any(f"{shown}: manifest.json", data)
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise SourceError(f"{shown}: manifest.json is not a list of images")
    return cast(list[dict[str, Any]], entries)


def _metadata(members: _Members, name: str, shown: str) -> bytes:
    blob = members.get(name)
    if blob.size > limits.METADATA_BYTES:
        raise SourceError(f"{shown}: {name} is larger than {limits.METADATA_BYTES} bytes")
    return blob.read()


def _choose(entries: list[dict[str, Any]], reference: str | None, shown: str) -> dict[str, Any]:
    names = [tag for entry in entries for tag in strings(shown, entry, "RepoTags")]
    if reference is not None:
        wanted = {reference, f"{reference}:latest"}
        entries = [entry for entry in entries if wanted & {*strings(shown, entry, "RepoTags")}]
    if len(entries) == 1:
        return entries[0]
    what = "no such image" if not entries else "more than one image"
    raise SourceError(
        f"{shown}: {what} in the archive",
        hint=f"name one of: {', '.join(names)}" if names else None,
    )


def _check_config_name(name: str, config: bytes, shown: str) -> None:
    """The configuration is named by its digest, `HEX.json` or `blobs/sha256/HEX`."""
    stated = "sha256:" + name.rpartition("/")[2].removesuffix(".json")
    if digest.of_bytes(config) != stated:
        raise SourceError(f"{shown}: the configuration {name} does not match its digest")
