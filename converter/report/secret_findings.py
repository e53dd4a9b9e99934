"""Secrets of the source image, which of them are in the unikernel, and what its layers still hold
of files that are gone.

What a package publishes for show (`published`) everybody has: it is listed and not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..model import Entrypoint, Image, Package, Rootfs
from ..secrets import Secret, of_command_line, of_variable
from .metrics import Metric
from .published import publishers


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
    published = publishers(secrets := tuple(secrets), image.tree, packages)
    return tuple(
        Found(
            one,
            is_kept=_is_given(one, entrypoint) or (not one.is_hidden and one.path in kept),
            published_with=published.get(one),
        )
        for one in secrets
    )


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
            "history and files that only layers have; not those that packages publish in "
            "programs of a distribution, documentation and tests",
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
