"""OCI image layouts (image-spec image-layout.md): a directory of blobs named by digest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import SourceError
from . import digest, limits
from .blob import Blob
from .manifest import Manifest, assemble, parse

_INDEX_TYPES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
_REF_NAME = "org.opencontainers.image.ref.name"
_NESTING = 4  # an index of indexes of … is a loop in the making


def open_layout(location: str) -> Manifest:
    """The image in `DIR` or `DIR:REF`; of an index the one for linux/amd64."""
    directory, reference = _split(location)
    if not (directory / "index.json").is_file():
        raise SourceError(
            f"{directory} is not an OCI image layout: it has no index.json",
            hint="make one with `skopeo copy docker-daemon:IMAGE oci:DIR`",
        )
    index = parse(f"{directory}/index.json", _read_bounded(directory / "index.json"))
    descriptor = _choose(index, reference, directory)
    manifest = _image_manifest(directory, descriptor)
    layers = [_layer(directory, layer) for layer in _descriptors(manifest, "layers", directory)]
    (config,) = _descriptors({"config": [manifest.get("config")]}, "config", directory)
    data = _checked(_blob(directory, config), config["digest"])
    return assemble(str(directory), data, layers)


def _split(location: str) -> tuple[Path, str | None]:
    if Path(location).is_dir() or ":" not in location:
        return Path(location), None
    directory, _, reference = location.partition(":")
    return Path(directory), reference


def _read_bounded(path: Path) -> bytes:
    if path.is_symlink() or path.stat().st_size > limits.METADATA_BYTES:
        raise SourceError(f"{path} is a link or larger than {limits.METADATA_BYTES} bytes")
    return path.read_bytes()


def _choose(index: Mapping[str, Any], reference: str | None, directory: Path) -> dict[str, Any]:
    manifests = _descriptors(index, "manifests", directory)
    if reference is None and len(manifests) == 1:
        return manifests[0]
    if reference is None:
        fitting = [m for m in manifests if _is_for_this_machine(m)]
    else:
        fitting = [m for m in manifests if _ref_name(m) == reference]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(filter(None, map(_ref_name, manifests)))
    what = "no such image" if not fitting else "more than one image"
    raise SourceError(
        f"{directory}: {what} in the layout", hint=f"name one of: {names}" if names else None
    )


def _ref_name(descriptor: Mapping[str, Any]) -> str:
    annotations = descriptor.get("annotations")
    return str(annotations.get(_REF_NAME, "")) if isinstance(annotations, dict) else ""


def _is_for_this_machine(descriptor: Mapping[str, Any]) -> bool:
    platform = descriptor.get("platform")
    if not isinstance(platform, dict):
        return False
    return platform.get("os") == "linux" and platform.get("architecture") == "amd64"


def _image_manifest(directory: Path, descriptor: Mapping[str, Any]) -> dict[str, Any]:
    """The image manifest a descriptor leads to, through indexes if need be."""
    for _ in range(_NESTING):
        blob = _blob(directory, descriptor)
        document = parse(f"{directory}: manifest", _checked(blob, descriptor["digest"]))
        if "layers" in document and "manifests" in document:
            raise SourceError(f"{directory}: a manifest has both `layers` and `manifests`")
        if "layers" in document:
            return document
        fitting = [
            m for m in _descriptors(document, "manifests", directory) if _is_for_this_machine(m)
        ]
        if not fitting:
            raise SourceError(f"{directory}: there is no image for linux/amd64")
        descriptor = fitting[0]
    raise SourceError(f"{directory}: indexes are nested more than {_NESTING} deep")


def _descriptors(document: Mapping[str, Any], key: str, directory: Path) -> list[dict[str, Any]]:
    listed = document.get(key)
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise SourceError(f"{directory}: `{key}` is not a list of descriptors")
    return listed


def _blob(directory: Path, descriptor: Mapping[str, Any]) -> Blob:
    name = digest.validated(descriptor.get("digest"), of=f"{directory}: descriptor")
    path = directory / "blobs" / name.replace(":", "/")
    if path.is_symlink() or not path.is_file():
        raise SourceError(f"{directory}: blob {name} is missing")
    size_bytes = path.stat().st_size
    stated = descriptor.get("size")
    if isinstance(stated, int) and stated != size_bytes:
        raise SourceError(f"{directory}: blob {name} is {size_bytes} bytes long, not {stated}")
    return Blob(path, 0, size_bytes)


def _layer(directory: Path, descriptor: Mapping[str, Any]) -> Blob:
    """Checked before a decompressor sees it; what it expands to is checked again, as diff_id."""
    blob = _blob(directory, descriptor)
    with blob.open() as file:
        actual = digest.of_file(file)
    if actual != descriptor["digest"]:
        raise SourceError(f"{directory}: layer blob {descriptor['digest']} has digest {actual}")
    return blob


def _checked(blob: Blob, stated: str) -> bytes:
    if blob.size > limits.METADATA_BYTES:
        raise SourceError(f"blob {stated} is larger than {limits.METADATA_BYTES} bytes")
    data = blob.read()
    if digest.of_bytes(data) != stated:
        raise SourceError(f"blob {stated} does not match its digest")
    return data
