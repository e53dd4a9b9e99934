"""Images of the local container engines, docker and podman. An image is saved once into the cache,
under its image ID; later runs read it there, so that only the ID is asked of the engine.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import cache, engines
from ..engines import Engine
from ..errors import ImageNotFoundError, SourceError
from ..progress import Progress
from . import digest
from .docker_archive import read_saved
from .manifest import Manifest
from .origin import of_engine


def open_image(reference: str, progress: Progress) -> Manifest:
    """The image an engine has under `reference`, a name, a digest or an ID: docker if it has it,
    else podman. ImageNotFoundError when none has."""
    if not reference.strip():
        raise SourceError("no image was named")
    missing = []
    for engine in engines.available():
        try:
            return _open(engine, reference, progress)
        except ImageNotFoundError as problem:
            missing.append(problem)
    hints = dict.fromkeys(one.hint for one in missing if one.hint)
    message = "; ".join(one.message for one in missing)
    raise ImageNotFoundError(message, hint="; ".join(hints) or None)


def _open(engine: Engine, reference: str, progress: Progress) -> Manifest:
    with engines.connected(engine) as client:
        image = _find(client, engine, reference)
        image_id = digest.validated(image.id, of=f"{reference}: image ID")
        kept = cache.path("images", image_id)
        if cache.find("images", image_id) is None:
            _save(image, kept, engine, progress)
    manifest = _checked(kept, image_id, f"{reference} of {engine.name}")
    stated = image.attrs.get("RepoDigests")
    return replace(manifest, origin=of_engine(reference, stated, manifest.origin.digests))


def _find(client: Any, engine: Engine, reference: str) -> Any:
    import docker.errors

    try:
        return client.images.get(reference)
    except docker.errors.ImageNotFound as missing:
        raise _not_found(client, engine, reference) from missing


def _not_found(client: Any, engine: Engine, reference: str) -> ImageNotFoundError:
    names = sorted(tag for image in client.images.list() for tag in image.tags)
    close = difflib.get_close_matches(reference, names, n=3, cutoff=0.4) or names[:5]
    hint = f"it has: {', '.join(close)}" if close else "it has no images at all"
    return ImageNotFoundError(f"{engine.name} has no image {reference!r}", hint=hint)


def _save(image: Any, kept: Path, engine: Engine, progress: Progress) -> None:
    progress.step(f"saving the image from {engine.name}")
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


def _checked(kept: Path, image_id: str, shown: str) -> Manifest:
    """The image must be the one that was asked for; a save that is not is not kept."""
    try:
        return read_saved(kept, image_id, shown)
    except SourceError:
        cache.discard(kept)
        raise
