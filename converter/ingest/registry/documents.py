"""Manifests and indexes of a registry: which is which, which is wanted, and what is no image.

OCI image-spec manifest.md and image-index.md, Docker's image manifest version 2 schema 2. What the
document holds decides, and its media type must agree: a document that could be read as both a
manifest and an index means different things to different programs (CVE-2021-41190).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import SourceError
from .. import digest, limits
from ..limits import Limits
from ..manifest import parse
from ..platform import Platform, of_descriptor

_OCI = "application/vnd.oci.image"
_DOCKER = "application/vnd.docker"
_MANIFESTS = (f"{_OCI}.manifest.v1+json", f"{_DOCKER}.distribution.manifest.v2+json")
_INDEXES = (f"{_OCI}.index.v1+json", f"{_DOCKER}.distribution.manifest.list.v2+json")
ACCEPT = ", ".join((*_INDEXES, *_MANIFESTS))
_SCHEMA_1 = (
    f"{_DOCKER}.distribution.manifest.v1+json", f"{_DOCKER}.distribution.manifest.v1+prettyjws",
)  # fmt: skip
_CONFIGS = (f"{_OCI}.config.v1+json", f"{_DOCKER}.container.image.v1+json")
_LAYERS = frozenset(
    {f"{_OCI}.layer.v1.tar{suffix}" for suffix in ("", "+gzip", "+zstd")}
    | {f"{_DOCKER}.image.rootfs.diff.tar{suffix}" for suffix in ("", ".gzip", ".zstd")}
)
_FOREIGN = (f"{_OCI}.layer.nondistributable.", f"{_DOCKER}.image.rootfs.foreign.")
_ATTESTATION = "vnd.docker.reference.type"  # BuildKit's annotation of what is beside an image

# What else is kept in registries, by how the media types of it begin.
_OTHERS = {
    "application/vnd.cncf.helm.": "a Helm chart",
    "application/vnd.dev.cosign.simplesigning.": "a cosign signature",
    "application/vnd.dev.sigstore.": "a Sigstore bundle",
    "application/vnd.cncf.notary.": "a Notary signature",
    "application/vnd.in-toto": "an attestation",
    "application/vnd.dsse.": "an attestation",
    "application/vnd.cyclonedx": "a bill of materials",
    "application/spdx": "a bill of materials",
    "text/spdx": "a bill of materials",
    "application/vnd.docker.plugin.": "a Docker plugin",
    "application/vnd.wasm.": "a WebAssembly module",
    "application/wasm": "a WebAssembly module",
    "application/vnd.cncf.flux.": "a Flux artifact",
    "application/vnd.cncf.openpolicyagent.": "an Open Policy Agent bundle",
}


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a manifest says of a blob (image-spec descriptor.md), checked."""

    media_type: str
    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ImageManifest:
    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """An entry of an index."""

    descriptor: Descriptor
    platform: Platform | None

    @property
    def is_index(self) -> bool:
        return self.descriptor.media_type in _INDEXES


def read_document(name: str, data: bytes, media_type: str) -> dict[str, Any]:
    """A manifest or an index, with no doubt which; SourceError if it is neither."""
    if media_type == "text/html":
        raise SourceError(
            f"{name}: the answer is a web page, not a manifest",
            hint="see that the host is a registry, and no proxy asks for a login",
        )
    document = parse(f"{name}: manifest", data)
    stated = {media_type, str(document.get("mediaType") or "")}
    if "layers" in document and "manifests" in document:
        raise SourceError(f"{name}: a manifest has both `layers` and `manifests`")
    if document.get("schemaVersion") == 1 or stated & {*_SCHEMA_1}:
        raise SourceError(
            f"{name}: its manifest is of schema 1, which has no digests of layers' content",
            hint="push the image again with a docker of this decade, or `skopeo copy` it",
        )
    if stated & {*_INDEXES} and "manifests" not in document:
        raise SourceError(f"{name}: what should be an index has no `manifests`")
    if stated & {*_MANIFESTS} and "layers" not in document:
        raise SourceError(f"{name}: what should be a manifest has no `layers`")
    if "layers" not in document and "manifests" not in document:
        raise _no_image(name, document, [str(document.get("mediaType") or media_type)])
    return document


def is_index(document: Mapping[str, Any]) -> bool:
    return "manifests" in document


def offers(name: str, index: Mapping[str, Any]) -> tuple[Offer, ...]:
    """The images of an index, without what only speaks about them."""
    entries = _objects(name, index, "manifests")
    if len(entries) > limits.LAYERS:
        raise SourceError(f"{name}: an index of more than {limits.LAYERS} entries")
    return tuple(
        Offer(_descriptor(name, entry), of_descriptor(entry))
        for entry in entries
        if not _is_beside_an_image(entry)
    )


def chosen(name: str, offered: Sequence[Offer], wanted: Platform) -> Offer | None:
    """The best for the platform; one of an unsaid platform if there is no other."""
    for platform in wanted.alternatives():
        for offer in offered:
            if offer.platform is not None and offer.platform.full() == platform:
                return offer
    if len(offered) == 1 and offered[0].platform is None and not offered[0].is_index:
        return offered[0]
    return None


def image_manifest(name: str, document: Mapping[str, Any], raisable: Limits) -> ImageManifest:
    """What to fetch for an image; SourceError says what else it is if it is none."""
    (config,) = _objects(name, {"config": [document.get("config")]}, "config")
    entries = _objects(name, document, "layers")
    types = [str(entry.get("mediaType") or "") for entry in entries]
    config_type = str(config.get("mediaType") or "")
    _require_layers(name, entries, types)
    if config_type not in _CONFIGS or not all(one in _LAYERS for one in types):
        raise _no_image(name, document, [config_type, *types])
    if len(entries) > limits.LAYERS:
        raise SourceError(f"{name}: more than {limits.LAYERS} layers")
    layers = tuple(_descriptor(name, entry) for entry in entries)
    for layer in layers:
        if layer.size_bytes > raisable.layer_bytes:
            raise SourceError(
                f"{name}: layer {layer.digest} is {layer.size_bytes} bytes large",
                hint=limits.hint("layer_bytes"),
            )
    return ImageManifest(_descriptor(name, config), layers)


def _require_layers(name: str, entries: Sequence[Mapping[str, Any]], types: Sequence[str]) -> None:
    """Layers that a registry does not have, or that nobody can read."""
    for entry, media_type in zip(entries, types, strict=True):
        if media_type.startswith(_FOREIGN):
            urls = ", ".join(map(str, entry.get("urls") or ())) or "nowhere it would say"
            raise SourceError(
                f"{name}: layer {entry.get('digest')} is not distributed by the registry, but by "
                f"{urls[:200]}: images of Windows are made so"
            )
        if media_type.endswith("+encrypted"):
            raise SourceError(
                f"{name}: layer {entry.get('digest')} is encrypted",
                hint="decrypt it with `skopeo copy --decryption-key … oci:DIR`",
            )


def _no_image(name: str, document: Mapping[str, Any], types: Sequence[str]) -> SourceError:
    kinds = [str(document.get("artifactType") or ""), *types]
    for kind in kinds:
        for prefix, what in _OTHERS.items():
            if kind.startswith(prefix):
                return SourceError(f"{name} is {what}, not a container image")
    known = {*_CONFIGS, *_LAYERS, *_MANIFESTS, *_INDEXES, ""}
    odd = next((kind for kind in kinds if kind not in known), "")
    shown = f"an artifact of the type {odd[:100]!r}" if odd else "something without media types"
    return SourceError(f"{name} is {shown}, not a container image")


def _is_beside_an_image(entry: Mapping[str, Any]) -> bool:
    annotations = entry.get("annotations")
    platform = of_descriptor(entry)
    return (isinstance(annotations, dict) and _ATTESTATION in annotations) or (
        platform is not None and (platform.os, platform.architecture) == ("unknown", "unknown")
    )


def _objects(name: str, document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    listed = document.get(key)
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise SourceError(f"{name}: `{key}` is not made of descriptors")
    return listed


def _descriptor(name: str, entry: Mapping[str, Any]) -> Descriptor:
    size_bytes = entry.get("size")
    if not isinstance(size_bytes, int) or isinstance(size_bytes, bool) or size_bytes < 0:
        raise SourceError(f"{name}: a descriptor claims the size {size_bytes!r}")
    stated = digest.validated(entry.get("digest"), of=f"{name}: descriptor")
    return Descriptor(str(entry.get("mediaType") or ""), stated, size_bytes)
