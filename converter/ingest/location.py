"""What follows `docker-archive:`, `oci:`, …: a path, and which image of those that are there.

As skopeo has it (containers-transports(5)): `PATH`, `PATH:REF`, `PATH:@INDEX`; and `PATH@DIGEST`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import SourceError

_DIGEST = re.compile(r"(.+)@(sha256:[0-9a-f]{64})")
_INDEX = re.compile(r"@([0-9]{1,9})")
_DEFAULT_HOSTS = (
    "docker.io/library/",
    "index.docker.io/library/",
    "docker.io/",
    "index.docker.io/",
)


@dataclass(frozen=True, slots=True)
class Location:
    """At most one of the others is given."""

    path: Path
    reference: str | None = None
    index: int | None = None
    digest: str | None = None


def parse(text: str) -> Location:
    if Path(text).exists():
        return Location(Path(text))
    if by_digest := _DIGEST.fullmatch(text):
        return Location(Path(by_digest[1]), digest=by_digest[2])
    path, _, reference = text.partition(":")
    if by_index := _INDEX.fullmatch(reference):
        return Location(Path(path), index=int(by_index[1]))
    if reference.startswith("@"):
        raise SourceError(f"{text!r}: {reference!r} is not an index", hint="give :@0 for the first")
    return Location(Path(path), reference=reference or None)


def names(reference: str) -> frozenset[str]:
    """The ways in which tools write a name that somebody typed: docker's short form, the tag left
    out, podman's full form."""
    short = reference
    for host in _DEFAULT_HOSTS:
        if short.startswith(host):
            short = short.removeprefix(host)
            break
    if ":" not in short.rpartition("/")[2] and "@" not in short:
        return frozenset((reference, short, f"{short}:latest"))
    return frozenset((reference, short))


def is_named(reference: str, candidates: Iterable[str]) -> bool:
    """Whether one of `candidates` is what `reference` means."""
    wanted = names(reference)
    return any(wanted & names(candidate) for candidate in candidates)
