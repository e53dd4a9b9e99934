"""Images of the local Docker daemon. An image is saved once into the cache, under its image ID;
later runs read it there, so that only the ID is asked of the daemon.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import SourceError
from ..progress import Progress
from . import cache, digest
from .docker_archive import read_archive
from .manifest import Manifest

_START_HINT = (
    "start it (`dockerd`, `systemctl start docker`), set DOCKER_HOST, "
    "or give docker-archive:FILE or oci:DIR"
)


def open_image(reference: str, progress: Progress) -> Manifest:
    """The image the daemon has under `reference`: a name, a digest or an ID."""
    # Imported here: no other source should pay for loading it.
    import docker
    import docker.errors

    try:
        client = docker.from_env(timeout=120)
        image = _find(client, reference)
        image_id = digest.validated(image.id, of=f"{reference}: image ID")
        kept = cache.path("images", image_id)
        if not kept.exists():
            _save(image, kept, progress)
        return _checked(kept, image_id, reference)
    except docker.errors.DockerException as problem:
        raise SourceError(f"the Docker daemon: {problem}", hint=_START_HINT) from problem


def _find(client: Any, reference: str) -> Any:
    import docker.errors

    if not reference.strip():
        raise SourceError("no image was named")
    try:
        return client.images.get(reference)
    except docker.errors.ImageNotFound as missing:
        raise _not_found(client, reference) from missing


def _not_found(client: Any, reference: str) -> SourceError:
    names = sorted(tag for image in client.images.list() for tag in image.tags)
    close = difflib.get_close_matches(reference, names, n=3, cutoff=0.4) or names[:5]
    hint = f"it has: {', '.join(close)}" if close else "it has no images at all"
    return SourceError(f"the Docker daemon has no image {reference!r}", hint=hint)


def _save(image: Any, kept: Path, progress: Progress) -> None:
    progress.step("saving the image from the Docker daemon")
    total_bytes = int(image.attrs.get("Size") or 0) or None
    done_bytes = 0
    with cache.writing(kept) as output:
        for chunk in _chunks(image):
            output.write(chunk)
            done_bytes += len(chunk)
            progress.advance(done_bytes, total_bytes)


def _chunks(image: Any) -> Iterator[bytes]:
    # In large pieces: the default is 2 MiB, each a round through the HTTP client.
    yield from image.save(chunk_size=8 << 20)


def _checked(kept: Path, image_id: str, reference: str) -> Manifest:
    """The image must be the one that was asked for; a save that is not is not kept."""
    try:
        manifest = read_archive(kept, None, shown=reference)
        if manifest.digest != image_id:
            raise SourceError(f"{reference}: the daemon gave {manifest.digest} for {image_id}")
    except SourceError:
        cache.discard(kept)
        raise
    return manifest
