"""ingest: a reference to a container image, read into an `Image`. Nothing is unpacked on disk.

Sources so far: the local Docker daemon, `docker-archive:FILE[:REF]`, `oci:DIR[:REF]`.
Not yet: registries and Dockerfiles.
"""

from __future__ import annotations

from ..model import Image, Layer
from ..progress import Progress
from . import daemon, docker_archive, oci_layout
from .blob import Blob
from .layer import read_layer
from .manifest import Manifest
from .tree import TreeBuilder

__all__ = ["read_image"]


def read_image(reference: str, progress: Progress) -> Image:
    """Read the image that `reference` names; SourceError or LayerError when it cannot be believed.

    Every layer is checked against its diff_id, and the configuration against the image ID
    (OCI image-spec config.md), before anything of them is used.
    """
    manifest = _manifest(reference, progress)
    builder = TreeBuilder()
    layers = []
    for index, blob in enumerate(manifest.layers):
        progress.step(f"reading layer {index + 1} of {len(manifest.layers)}")
        layers.append(_add_layer(builder, blob, manifest, index))
    return Image(
        reference=reference,
        digest=manifest.digest,
        config=manifest.config,
        layers=tuple(layers),
        tree=builder.tree(),
    )


def _manifest(reference: str, progress: Progress) -> Manifest:
    kind, separator, rest = reference.partition(":")
    if separator and kind == "docker-archive":
        return docker_archive.open_archive(rest)
    if separator and kind == "oci":
        return oci_layout.open_layout(rest)
    return daemon.open_image(reference, progress)


def _add_layer(builder: TreeBuilder, blob: Blob, manifest: Manifest, index: int) -> Layer:
    diff_id = manifest.diff_ids[index]
    builder.begin_layer(diff_id)
    size_bytes = read_layer(blob, diff_id, builder)
    return Layer(diff_id=diff_id, size=size_bytes, created_by=manifest.created_by(index))
