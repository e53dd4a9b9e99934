"""Secrets of the source image, which of them are in the unikernel, and what its layers still hold
of files that are gone.

What a package publishes for show (`published`) everybody has: it is listed and not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..model import Entrypoint, Image, Package, Rootfs
from ..secrets import Secret, in_nodes, is_doubtful, of_command_line, of_variable
from .metrics import Metric
from .published import publishers

_BY_START_UP = "which start-up made"


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
    made = _made(entrypoint) if entrypoint is not None else ()
    secrets = tuple(dict.fromkeys((*secrets, *made)))
    published = publishers(secrets, image.tree, packages)
    all_found = [
        Found(
            one,
            is_kept=_is_given(one, entrypoint) or (not one.is_hidden and one.path in kept),
            published_with=published.get(one),
        )
        for one in secrets
    ]
    held = {one.secret.digest for one in all_found if one.is_kept}
    given = _given(entrypoint) if entrypoint is not None else ()
    new = (one for one in given if one.digest not in held)
    return (*all_found, *(Found(one, is_kept=True, published_with=None) for one in new))


def _made(entrypoint: Entrypoint) -> tuple[Secret, ...]:
    """In files that start-up made or changed, which are of no layer; a package's among them."""
    nodes = (change.node for change in entrypoint.changes if change.node is not None)
    return tuple(
        replace(one, place=f"{one.place}, {_BY_START_UP}", layer=None) for one in in_nodes(nodes)
    )


def _given(entrypoint: Entrypoint) -> Iterator[Secret]:
    """To the program, by its start-up where the image does not give it."""
    of_env = filter(None, map(of_variable, entrypoint.env))
    for one in (*of_env, *of_command_line(entrypoint.argv)):
        yield replace(one, place=f"{one.place}, {_BY_START_UP}")


def _is_given(secret: Secret, entrypoint: Entrypoint | None) -> bool:
    """In the environment or on the command line of the program."""
    if entrypoint is None:
        return False
    if secret.is_argument:
        return secret in of_command_line(entrypoint.argv)
    return any(of_variable(entry) == secret for entry in entrypoint.env)


def doubts(image: Image, entrypoint: Entrypoint) -> Iterator[str]:
    """What may be a secret by its value alone is said, neither counted nor left out."""
    pairs = (entry.partition("=") for entry in (*image.config.env, *entrypoint.env))
    names = dict.fromkeys(name for name, _, value in pairs if is_doubtful(name, value))
    for name in names:
        yield f"ENV {name} is as random as a key: whether it is a secret, nothing says"


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
            "history, files that only layers have, and what start-up made; not those that "
            "packages publish in programs of a distribution, documentation and tests",
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
