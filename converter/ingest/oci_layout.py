"""OCI image layouts (image-spec image-layout.md), blobs named by digest: a directory, a tar of one,
compressed or not, and the plain directory that skopeo's `dir:` writes. All are read in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import SourceError
from . import digest, files, location, oci_image
from .files import Directory, Files
from .location import Location
from .manifest import Manifest, parse
from .oci_image import BlobStore
from .options import SourceOptions
from .packed import plain_file
from .registry import documents

_INDEX = "index.json"
# What names an image of a layout: the specification's, and containerd's, which has the whole name.
_NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")


def open_layout(text: str, options: SourceOptions) -> Manifest:
    """The image in `DIR`, `DIR:REF`, `DIR:@INDEX` or `DIR@DIGEST`."""
    where = location.parse(text)
    return open_files(Directory(where.path), where, options)


def open_archive(text: str, options: SourceOptions) -> Manifest:
    """The image in `FILE`, `FILE:REF`, `FILE:@INDEX` or `FILE@DIGEST`."""
    where = location.parse(text)
    made_with = "skopeo copy docker-daemon:IMAGE oci-archive:FILE"
    path = plain_file(where.path, options.limits)
    return open_files(files.read_tar(path, str(where.path), made_with=made_with), where, options)


def open_files(members: Files, where: Location, options: SourceOptions) -> Manifest:
    """The image in a layout's files."""
    if members.find(_INDEX) is None:
        raise SourceError(
            f"{members.shown} is not an OCI image layout: it has no {_INDEX}",
            hint="make one with `skopeo copy docker-daemon:IMAGE oci:DIR`",
        )
    index = parse(f"{members.shown}/{_INDEX}", files.document(members, _INDEX))
    store = BlobStore(members, "blobs/sha256/{}", "blobs/sha256/{}")
    return oci_image.open_image(store, _choose(store, index, where, options), options)


def open_directory(text: str, options: SourceOptions) -> Manifest:
    """The image in a directory of skopeo's `dir:`, its blobs beside manifest.json."""
    where = location.parse(text)
    store = BlobStore(Directory(where.path), "{}", "{}.manifest.json")
    if store.files.find("manifest.json") is None:
        raise SourceError(
            f"{where.path} has no manifest.json", hint=f"is it a layout? try oci:{where.path}"
        )
    data = files.document(store.files, "manifest.json")
    document = documents.read_document(str(where.path), data, "")
    if not documents.is_index(document):
        return oci_image.from_manifest(store, document, (digest.of_bytes(data),), options)
    entry = _for_platform(store, oci_image.entries(document, store.shown), options)
    return oci_image.open_image(store, entry, options)


def _choose(
    store: BlobStore, index: Mapping[str, Any], where: Location, options: SourceOptions
) -> Mapping[str, Any]:
    listed = oci_image.entries(index, store.shown)
    fitting = [one for number, one in enumerate(listed) if _is_wanted(where, number, one)]
    names = [*dict.fromkeys(name for one in listed for name in _names(one))]
    if fitting and len({str(one.get("digest")) for one in fitting}) == 1:
        return fitting[0]  # one image, perhaps under several names
    if len(fitting) > 1 and len({tuple(_names(one)) for one in fitting}) == 1:
        return _for_platform(store, fitting, options)  # one name, several platforms
    what = "no such image" if not fitting else "more than one image"
    choices = [*names, *(f"@{number}" for number in range(len(listed)))]
    raise SourceError(
        f"{store.shown}: {what} in the layout",
        hint=f"name one of: {', '.join(choices[:20])}" if listed else None,
    )


def _for_platform(
    store: BlobStore, listed: list[dict[str, Any]], options: SourceOptions
) -> Mapping[str, Any]:
    chosen = oci_image.choose(store, {"manifests": listed}, options.platform)
    return next(one for one in listed if one.get("digest") == chosen.descriptor.digest)


def _is_wanted(where: Location, number: int, descriptor: Mapping[str, Any]) -> bool:
    if where.reference is not None:
        return location.is_named(where.reference, _names(descriptor))
    is_digest = where.digest in (None, descriptor.get("digest"))
    return is_digest and where.index in (None, number)


def _names(descriptor: Mapping[str, Any]) -> list[str]:
    annotations = descriptor.get("annotations")
    stated = annotations if isinstance(annotations, dict) else {}
    return [name for key in _NAMES if isinstance(name := stated.get(key), str) and name]
