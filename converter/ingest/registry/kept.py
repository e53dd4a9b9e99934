"""What earlier pulls have left in the cache: manifests by digest, and which name gave which image.

A record of a pull is JSON: `reference`, `platform`, `manifest` (a digest), `indexes` (digests of
those that led to it), `blobs` (digests of all parts, the configuration first), `diff_ids`. It is
for `--pull never` and for `cache ls`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ... import cache
from ...errors import ImageNotFoundError, SourceError
from .. import digest, limits
from ..blob import Blob
from ..manifest import Manifest, assemble, parse
from ..options import SourceOptions
from ..origin import of_registry
from ..platform import Platform
from ..reference import Name
from . import documents
from .documents import ImageManifest

_RECORDS = "pulls"


def kept(wanted: str) -> bytes | None:
    """A manifest or configuration of the cache, if it is undamaged."""
    path = cache.find("blobs", wanted)
    if path is None or path.stat().st_size > limits.METADATA_BYTES:
        return None
    data = path.read_bytes()
    if digest.of_bytes(data) != wanted:
        cache.discard(path)
        return None
    return data


def keep(stated: str, data: bytes) -> None:
    """Put what has this digest into the cache."""
    with cache.writing(cache.path("blobs", stated)) as file:
        file.write(data)


def record(
    name: Name, platform: Platform, digests: tuple[str, ...], manifest: ImageManifest
) -> None:
    """Note that the name was this image, now; the digests are its manifest's and its indexes'."""
    parts = [manifest.config.digest, *(layer.digest for layer in manifest.layers)]
    config = kept(manifest.config.digest)
    document = {
        "reference": str(name),
        "platform": str(platform),
        "manifest": digests[0],
        "indexes": digests[1:],
        "blobs": parts,
        "diff_ids": listed_diff_ids(str(name), config) if config else [],
    }
    with cache.writing(_record_path(name, platform)) as file:
        file.write(json.dumps(document).encode())


def kept_image(name: Name, options: SourceOptions) -> Manifest:
    """The image that the name was when it was pulled last, without asking anybody."""
    digests = _recorded(name, options.platform)
    data = kept(digests[0]) if digests else None
    if data is None:
        raise ImageNotFoundError(
            f"{name} for {options.platform} is not in the cache", hint="leave --pull never out"
        )
    document = documents.read_document(str(name), data, "")
    manifest = documents.image_manifest(str(name), document, options.limits)
    config = kept(manifest.config.digest)
    if config is None:
        raise _incomplete(name)
    diff_ids = listed_diff_ids(str(name), config)
    blobs = [
        _kept_layer(name, layer.digest, diff_id)
        for layer, diff_id in zip(manifest.layers, diff_ids, strict=False)
    ]
    return assemble(str(name), config, blobs, of_registry(name, digests))


def listed_diff_ids(name: str, config: bytes) -> list[str]:
    """The layers' diff_ids, to look them up; `assemble` is strict about them."""
    rootfs = parse(f"{name}: configuration", config).get("rootfs")
    listed = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(listed, list):
        return []
    return [digest.validated(one, of=f"{name}: diff_id") for one in listed]


def _kept_layer(name: Name, stored: str, diff_id: str) -> Blob:
    path = cache.find("layers", diff_id) or cache.find("blobs", stored)
    if path is None:
        raise _incomplete(name)
    return Blob(path, 0, path.stat().st_size)


def _incomplete(name: Name) -> ImageNotFoundError:
    return ImageNotFoundError(
        f"{name}: the cache no longer has all parts of it", hint="leave --pull never out"
    )


def _record_path(name: Name, platform: Platform) -> Path:
    return cache.path(_RECORDS, digest.of_bytes(f"{name} {platform}".encode()))


def _recorded(name: Name, platform: Platform) -> tuple[str, ...]:
    """The digest of the manifest, and of its indexes where the record has them; of a record that
    cannot be read, none."""
    try:
        document: Any = json.loads(_record_path(name, platform).read_bytes())
        stated = [document["manifest"], *document.get("indexes", ())]
        return tuple(digest.validated(one, of=str(name)) for one in stated)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SourceError):
        return ()
