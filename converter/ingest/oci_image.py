"""From a descriptor to the image it leads to, through indexes if need be (image-spec manifest.md,
image-index.md), its blobs being files. Every blob is checked against its digest before anything
else sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import OtherPlatformError, SourceError
from ..model import Origin
from . import digest, files, limits
from .blob import Blob
from .files import Files
from .manifest import Manifest, assemble
from .options import SourceOptions
from .platform import Platform
from .registry import documents
from .registry.documents import Descriptor, Offer

_NESTING = 4  # an index of indexes of … is a loop in the making
_SHOWN_PLATFORMS = 8


@dataclass(frozen=True, slots=True)
class BlobStore:
    """Where blobs are, by the hexadecimal digits of their sha256 digests."""

    files: Files
    blob_name: str  # "blobs/sha256/{}"
    manifest_name: str  # that of a manifest an index names

    @property
    def shown(self) -> str:
        return self.files.shown


def open_image(store: BlobStore, entry: Mapping[str, Any], options: SourceOptions) -> Manifest:
    """The image that an entry of an index leads to; of an index the one for the platform."""
    offer = choose(store, {"manifests": [entry]}, options.platform)
    digests: tuple[str, ...] = ()
    for _ in range(_NESTING):
        digests = (offer.descriptor.digest, *digests)
        data = _metadata(store, store.manifest_name, offer.descriptor)
        document = documents.read_document(store.shown, data, offer.descriptor.media_type)
        if not documents.is_index(document):
            return from_manifest(store, document, digests, options)
        offer = choose(store, document, options.platform)
    raise SourceError(f"{store.shown}: indexes are nested more than {_NESTING} deep")


def from_manifest(
    store: BlobStore,
    document: Mapping[str, Any],
    digests: tuple[str, ...],
    options: SourceOptions,
) -> Manifest:
    """The image of a manifest; `digests` are its own and those of the indexes that led to it."""
    manifest = documents.image_manifest(store.shown, document, options.limits)
    layers = [_layer(store, one) for one in manifest.layers]
    config = _metadata(store, store.blob_name, manifest.config)
    return assemble(store.shown, config, layers, Origin(digests=digests))


def choose(store: BlobStore, index: Mapping[str, Any], wanted: Platform) -> Offer:
    """The entry for a platform; the only one there is was chosen by whoever made the index."""
    offers = documents.offers(store.shown, index)
    if len(offers) == 1:
        return offers[0]
    chosen = documents.chosen(store.shown, offers, wanted)
    if chosen is None:
        has = sorted({str(one.platform) for one in offers if one.platform is not None})
        raise OtherPlatformError(
            f"{store.shown}: there is no image for {wanted}",
            hint=f"it has: {', '.join(has[:_SHOWN_PLATFORMS])}" if has else None,
        )
    return chosen


def entries(index: Mapping[str, Any], shown: str) -> list[dict[str, Any]]:
    listed = index.get("manifests")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise SourceError(f"{shown}: `manifests` is not a list of descriptors")
    return listed


def _metadata(store: BlobStore, naming: str, descriptor: Descriptor) -> bytes:
    blob = _blob(store, naming, descriptor)
    if blob.size > limits.METADATA_BYTES:
        raise SourceError(
            f"{store.shown}: blob {descriptor.digest} is larger than {limits.METADATA_BYTES} bytes"
        )
    data = blob.read()
    if digest.of_bytes(data) != descriptor.digest:
        raise SourceError(f"{store.shown}: blob {descriptor.digest} does not match its digest")
    return data


def _layer(store: BlobStore, descriptor: Descriptor) -> Blob:
    """What it expands to is checked again, as diff_id."""
    blob = _blob(store, store.blob_name, descriptor)
    files.require_digest(blob, descriptor.digest, of=f"{store.shown}: layer blob")
    return blob


def _blob(store: BlobStore, naming: str, descriptor: Descriptor) -> Blob:
    blob = store.files.find(naming.format(descriptor.digest.removeprefix("sha256:")))
    if blob is None:
        raise SourceError(f"{store.shown}: blob {descriptor.digest} is missing, or a link")
    if blob.size != descriptor.size_bytes:
        raise SourceError(
            f"{store.shown}: blob {descriptor.digest} is {blob.size} bytes long, not "
            f"{descriptor.size_bytes}",
            hint="it may have been cut short on its way: fetch the image again",
        )
    return blob
