"""What is known of an image's packages, and what is left of each after stripping."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..model import Package


class Gap(Enum):
    """What is not known where something was not read."""

    DATABASE = "database"  # packages that may lie anywhere in the image
    RECORD = "record"  # a package that lies where its record does
    FILES = "files"  # which files packages have that are known


@dataclass(frozen=True, slots=True)
class Unread:
    """Where packages are or should be recorded, and why what it says is not known."""

    path: str
    because: str
    gap: Gap = Gap.RECORD


@dataclass(frozen=True, slots=True)
class Installed:
    """A package as a distribution's database has it, before it is known what provides what."""

    package: Package
    wants: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()  # beside its name


@dataclass(frozen=True, slots=True)
class Distribution:
    """What os-release(5) says."""

    id: str  # "debian"
    version: str  # "12", "3.20.1"; empty for rolling ones
    like: tuple[str, ...] = ()  # of which it is a descendant


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every package found; what is not in it may be in one of `unread`."""

    packages: tuple[Package, ...]  # by ecosystem, name, version and architecture
    unread: tuple[Unread, ...]
    distribution: Distribution | None
    contents: frozenset[str]  # paths of packages that are files, or links to other than directories


class State(Enum):
    """What is left of a package."""

    REMOVED = "removed"  # none of its files
    PARTIAL = "partially kept"
    KEPT = "kept"  # every file that the image has of it
    UNKNOWN = "unknown"  # nobody knows which files it has
    NEW = "new with the runtime"  # the image never had it


@dataclass(frozen=True, slots=True)
class Remains:
    """A package after stripping."""

    package: Package
    state: State
    kept: tuple[str, ...]
    files: int  # of the package, that the source image has
