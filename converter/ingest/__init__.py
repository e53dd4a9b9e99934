"""ingest: what names a container image, read into an `Image`. Nothing is unpacked on disk.

`reference.Kind` lists the kinds of source. A bare name is the local daemon's if it has it, else
its registry's, as `Pull` says. A path is a Dockerfile's or its directory's, and is built.
"""

from __future__ import annotations

from dataclasses import replace

from .. import cache
from ..errors import ImageNotFoundError, OtherPlatformError, SourceError
from ..model import Dockerfile, Image, Layer, Origin
from ..progress import Progress
from . import registry
from .changes import with_changes
from .dockerfile.wanted import Wanted, wanted
from .layer import read_layer
from .manifest import Manifest
from .options import DEFAULT_OPTIONS, Pull, SourceOptions
from .origin import local_name
from .platform import Platform
from .reference import Kind, Source, is_image_id, parse_name, parse_source
from .tree import TreeBuilder

__all__ = ["DEFAULT_OPTIONS", "SourceOptions", "read_image", "with_changes"]


def read_image(
    reference: str, progress: Progress, options: SourceOptions = DEFAULT_OPTIONS
) -> Image:
    """Read the image that `reference` names; SourceError or LayerError when it cannot be believed.

    Every layer is checked against its diff_id, and the configuration against the image ID
    (OCI image-spec config.md), before anything of them is used.
    """
    cache.hold()
    build = wanted(reference, options)
    if build is None:
        manifest, dockerfile = _manifest(reference, progress, options), None
    else:
        manifest, dockerfile = _built(build, progress)
    _require_readable(reference, manifest)
    builder = TreeBuilder(options.limits)
    indices = range(len(manifest.layers))
    layers = [_add_layer(builder, manifest, index, progress) for index in indices]
    return Image(
        reference=reference,
        digest=manifest.digest,
        config=manifest.config,
        layers=tuple(layers),
        tree=builder.tree(),
        hidden=builder.hidden(),
        dockerfile=dockerfile,
        origin=_named_origin(manifest.origin, reference),
    )


def _named_origin(origin: Origin, reference: str) -> Origin:
    return origin if origin.name else replace(origin, name=local_name(reference))


# Below, each source is imported where it is asked: no other should pay for loading it.


def _built(build: Wanted, progress: Progress) -> tuple[Manifest, Dockerfile]:
    from .dockerfile.build import built

    return built(build, progress)


def _manifest(reference: str, progress: Progress, options: SourceOptions) -> Manifest:
    source = parse_source(reference)
    match source.kind:
        case Kind.NAMED:
            return _named(source.location, progress, options)
        case Kind.REGISTRY:
            return registry.open_image(source.location, progress, options)
        case Kind.DAEMON:
            return _of_daemon(source.location, progress)
        case Kind.DOCKER_ARCHIVE:
            from . import docker_archive

            return docker_archive.open_archive(source.location, options)
        case _:
            return _of_layout(source, options)


def _of_daemon(name: str, progress: Progress) -> Manifest:
    from . import daemon

    return daemon.open_image(name, progress)


def _of_layout(source: Source, options: SourceOptions) -> Manifest:
    from . import oci_layout

    match source.kind:
        case Kind.LAYOUT:
            return oci_layout.open_layout(source.location, options)
        case Kind.LAYOUT_ARCHIVE:
            return oci_layout.open_archive(source.location, options)
        case _:
            return oci_layout.open_directory(source.location, options)


def _named(name: str, progress: Progress, options: SourceOptions) -> Manifest:
    """The daemon's, else the registry's; an image ID means something to a daemon alone."""
    if is_image_id(name):
        return _of_daemon(name, progress)
    parse_name(name)  # a typo is no reason to ask anybody
    if options.pull is Pull.ALWAYS:
        return registry.open_image(name, progress, options)
    try:
        return _local(name, progress, options)
    except ImageNotFoundError as missing:
        return _remote(name, progress, options, missing)


def _local(name: str, progress: Progress, options: SourceOptions) -> Manifest:
    manifest = _of_daemon(name, progress)
    offered = Platform(manifest.config.os, manifest.config.architecture)
    wanted = options.platform
    if (offered.os, offered.architecture) != (wanted.os, wanted.architecture):
        raise ImageNotFoundError(f"the local daemon's {name} is for {offered}, not {wanted}")
    return manifest


def _remote(
    name: str, progress: Progress, options: SourceOptions, missing: ImageNotFoundError
) -> Manifest:
    try:
        return registry.open_image(name, progress, options)
    except OtherPlatformError:
        raise
    except SourceError as problem:
        hint = "; or: ".join(filter(None, (problem.hint, missing.hint))) or None
        raise SourceError(f"{problem.message}. And {missing.message}", hint=hint) from problem


def _require_readable(reference: str, manifest: Manifest) -> None:
    if manifest.config.os == "windows":
        raise OtherPlatformError(f"{reference} is an image of Windows; only Linux ones are taken")
    if not manifest.layers:
        raise SourceError(f"{reference} is an empty image: it has no layers, so nothing to run")


def _add_layer(builder: TreeBuilder, manifest: Manifest, index: int, progress: Progress) -> Layer:
    progress.step(f"reading layer {index + 1} of {len(manifest.layers)}")
    diff_id = manifest.diff_ids[index]
    builder.begin_layer(diff_id)
    size_bytes = read_layer(manifest.layers[index], diff_id, builder, progress.advance)
    return Layer(diff_id=diff_id, size=size_bytes, created_by=manifest.created_by(index))
