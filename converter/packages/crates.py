"""What a runtime is made of, as packages: crates, which no image's database has."""

from __future__ import annotations

from collections.abc import Iterable

from ..model import Package
from .purl import make

CARGO = "cargo"


def crates(components: Iterable[tuple[str, str]]) -> tuple[Package, ...]:
    """By name and version, each with its purl."""
    return tuple(
        Package(name, version, name, (), ecosystem=CARGO, purl=make(CARGO, name, version))
        for name, version in components
    )
