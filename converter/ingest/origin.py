"""What others know an image by: its repository, and the digests of manifests, which are not its ID.

An engine says it as `RepoDigests` (Docker Engine API, ImageInspect), NAME@DIGEST of each registry
that has it; most often the digest is that of the index which was pulled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import SourceError
from ..model import Origin
from . import location
from .reference import Kind, Name, is_image_id, parse_name, parse_source


def of_registry(name: Name, digests: Iterable[str]) -> Origin:
    repository = f"{name.registry}/{name.repository}"
    return Origin(_last(repository), repository, tuple(dict.fromkeys(digests)))


def of_engine(wanted: str, stated: object, digests: Iterable[str] = ()) -> Origin:
    """By what an engine states, of the repository that was asked for if it is among them; without
    any the image is of no registry. `digests` are known already."""
    names = list(_names(stated if isinstance(stated, list) else ()))
    if not names:
        return Origin(digests=tuple(digests))
    places = [_place(one) for one in names]
    asked = {_place(one) for one in _names([wanted])}
    chosen = next((one for one in places if one in asked), places[0])
    same = [one for one in names if _place(one) == chosen]
    return of_registry(same[0], (*digests, *(one.digest for one in same if one.digest)))


def of_archive(tags: Iterable[str]) -> Origin:
    """By the first name that an archive gives it. Whoever wrote that need not have it from there,
    so it is of no registry."""
    return Origin(next((_last(one.repository) for one in _names(tags)), ""))


def local_name(reference: str) -> str:
    """The last component of a name, or that of a path, without its directories."""
    try:
        source = parse_source(reference)
    except SourceError:
        return Path(reference).name  # a directory or a Dockerfile, which was built
    if source.kind not in (Kind.NAMED, Kind.REGISTRY, Kind.DAEMON):
        where = location.parse(source.location)
        return _last(where.reference) if where.reference else where.path.name
    if is_image_id(source.location):
        return ""
    return _last(source.location.partition("@")[0])


def _names(stated: Iterable[object]) -> Iterator[Name]:
    """Those that can be names; podman says `<none>@sha256:…` of what has none."""
    for one in stated:
        try:
            yield parse_name(str(one))
        except SourceError:
            continue


def _place(name: Name) -> tuple[str, str]:
    return name.registry, name.repository


def _last(name: str) -> str:
    return name.rpartition("/")[2].partition(":")[0]
