"""Secrets of the source image, which of them are in the unikernel, and what its layers still hold
of files that are gone.

Keys in the programs and libraries that a distribution publishes are for their own tests: everybody
has them. They are listed and not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import elf
from ..model import Entrypoint, Image, Package, Rootfs
from ..packages import owners
from ..secrets import Secret, of_command_line, of_variable
from .metrics import Metric


@dataclass(frozen=True, slots=True)
class Found:
    """A secret, and what became of it."""

    secret: Secret
    is_kept: bool
    published_with: str | None  # the package that everybody has it from


def found(
    secrets: Iterable[Secret],
    image: Image,
    packages: tuple[Package, ...],
    rootfs: Rootfs,
    entrypoint: Entrypoint | None,
) -> tuple[Found, ...]:
    kept = {node.path for node in rootfs.nodes}
    published = _published(image, packages, secrets := tuple(secrets))
    return tuple(
        Found(
            one,
            is_kept=_is_given(one, entrypoint) or (not one.is_hidden and one.path in kept),
            published_with=None if one.is_hidden else published.get(one.path or ""),
        )
        for one in secrets
    )


def _published(
    image: Image, packages: tuple[Package, ...], secrets: Sequence[Secret]
) -> Mapping[str, str]:
    """ELF files with secrets -> the package that brings them."""
    paths = {one.path for one in secrets if one.path is not None}
    nodes = (image.tree.get(path) for path in paths)
    programs = [node.path for node in nodes if node is not None and elf.header_of(node) is not None]
    by_path = owners(packages) if programs else {}
    return {path: by_path[path][0].name for path in programs if path in by_path}


def _is_given(secret: Secret, entrypoint: Entrypoint | None) -> bool:
    """In the environment or on the command line of the program."""
    if entrypoint is None:
        return False
    if secret.is_argument:
        return secret in of_command_line(entrypoint.argv)
    return any(of_variable(entry) == secret for entry in entrypoint.env)


def documents(all_found: Sequence[Found]) -> list[dict[str, Any]]:
    return [
        {
            "kind": one.secret.kind,
            "place": one.secret.place,
            "layer": one.secret.layer,
            "sha256_begins": one.secret.digest,
            "is_in_layers_alone": one.secret.is_hidden,
            "published_with": one.published_with,
            "is_kept": one.is_kept,
        }
        for one in all_found
    ]


def secret_metrics(all_found: Sequence[Found], image: Image) -> tuple[Metric, ...]:
    counted = [one for one in all_found if one.published_with is None]
    kept = [one for one in counted if one.is_kept]
    hidden = image.hidden
    return (
        Metric(
            "secrets", "secrets", "secrets", len(counted), len(kept),
            "keys, tokens and passwords by value, in files, environment, command line, labels, "
            "history and files that only layers have; not those in programs that a "
            "distribution publishes",
            tuple(_shown(one) for one in counted), tuple(_shown(one) for one in kept),
        ),
        Metric(
            "files_in_layers", "files gone but in layers", "files", len(hidden), 0,
            "regular files that a later layer deleted or replaced: whoever has the image can read "
            "them; after: the unikernel has no layers",
            tuple(f"{one.node.path} of layer {one.node.layer}" for one in hidden),
        ),
    )  # fmt: skip


def _shown(one: Found) -> str:
    return f"{one.secret.kind} in {one.secret.place} (sha256 {one.secret.digest}…)"
