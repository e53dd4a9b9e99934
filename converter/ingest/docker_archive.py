"""`docker save` archives, in the old form (manifest.json, anywhere in the tar) and in the new (an
OCI layout inside, which has manifest.json too). Read in place: layers stay where they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ..errors import SourceError
from . import digest, files, location, oci_image, oci_layout
from .blob import Blob
from .files import TarFiles
from .location import Location
from .manifest import Manifest, assemble, parse, parse_any, strings
from .options import DEFAULT_OPTIONS, SourceOptions
from .origin import of_archive
from .packed import plain_file

_MANIFEST = "manifest.json"
_INDEX = "index.json"
_OCI_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")


def open_archive(text: str, options: SourceOptions) -> Manifest:
    """The image in `FILE`, `FILE:REF` or `FILE:@INDEX`."""
    where = location.parse(text)
    members = _read(plain_file(where.path, options.limits), str(where.path))
    if members.find(_MANIFEST) is None and members.find(_INDEX) is not None:
        return oci_layout.open_files(members, where, options)
    return _open(members, where)


def read_saved(path: Path, image_id: str, shown: str) -> Manifest:
    """The one image of an archive that an engine saved for this ID; SourceError if it is another.

    An ID is the digest of the image's configuration, or, where docker keeps images in containerd's
    store, that of its manifest or index, which the archive's layout then names.
    """
    members = _read(path, shown)
    if members.find(_INDEX) is not None:
        index = parse(f"{shown}: {_INDEX}", files.document(members, _INDEX))
        if any(one.get("digest") == image_id for one in oci_image.entries(index, shown)):
            where = Location(path, digest=image_id)
            return oci_layout.open_files(members, where, DEFAULT_OPTIONS)
    manifest = _open(members, Location(path))
    if manifest.digest != image_id:
        raise SourceError(f"{shown}: it gave {manifest.digest} for {image_id}")
    return manifest


def _read(path: Path, shown: str) -> TarFiles:
    return files.read_tar(path, shown, made_with="docker save IMAGE -o FILE")


def _open(members: TarFiles, where: Location) -> Manifest:
    shown = members.shown
    entry = _choose(_entries(members), where, shown)
    config_name = str(entry.get("Config"))
    config = files.document(members, config_name)
    _check_config_name(config_name, config, shown)
    layers = [_layer(members, name) for name in strings(shown, entry, "Layers")]
    tags = (where.reference,) if where.reference is not None else _tags(shown, entry)
    return assemble(shown, config, layers, of_archive(tags))


def _entries(members: TarFiles) -> list[dict[str, Any]]:
    data = files.document(members, _MANIFEST)
    entries = parse_any(f"{members.shown}: manifest.json", data)
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise SourceError(f"{members.shown}: manifest.json is not a list of images")
    return cast(list[dict[str, Any]], entries)


def _choose(entries: list[dict[str, Any]], where: Location, shown: str) -> Mapping[str, Any]:
    names = [_tags(shown, entry) for entry in entries]
    fitting = [
        entry
        for index, (entry, tags) in enumerate(zip(entries, names, strict=True))
        if _is_wanted(where, index, tags)
    ]
    if len(fitting) == 1:
        return fitting[0]
    what = "no such image" if not fitting else "more than one image"
    choices = [*(tag for tags in names for tag in tags), *(f"@{n}" for n in range(len(names)))]
    raise SourceError(
        f"{shown}: {what} in the archive",
        hint=f"name one of: {', '.join(choices[:20])}" if entries else None,
    )


def _tags(shown: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    return strings(shown, entry, "RepoTags")


def _is_wanted(where: Location, index: int, tags: tuple[str, ...]) -> bool:
    if where.reference is not None:
        return location.is_named(where.reference, tags)
    return where.index in (None, index) and where.digest is None


def _layer(members: TarFiles, name: str) -> Blob:
    """One of the new form is named by its digest, and checked before a decompressor sees it."""
    blob = files.require(members, name)
    named = _OCI_BLOB.fullmatch(name)
    if named is not None:
        files.require_digest(blob, f"sha256:{named[1]}", of=f"{members.shown}: layer blob")
    return blob


def _check_config_name(name: str, config: bytes, shown: str) -> None:
    """The configuration is named by its digest, `HEX.json` or `blobs/sha256/HEX`."""
    stated = "sha256:" + name.rpartition("/")[2].removesuffix(".json")
    if digest.of_bytes(config) != stated:
        raise SourceError(f"{shown}: the configuration {name} does not match its digest")
