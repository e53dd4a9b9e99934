"""How an image is to be found and read, as the user asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from . import limits, platform


class Pull(Enum):
    """When a bare name is fetched from its registry, though the local daemon may have it."""

    ALWAYS = "always"
    MISSING = "missing"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What is said of a build, where the source is a Dockerfile."""

    file: Path | None = None  # else Dockerfile in the directory
    arguments: tuple[str, ...] = ()  # NAME=VALUE, or NAME for the value it has here
    target: str | None = None  # stage; else the last


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What the options of the command line say about the source."""

    pull: Pull = Pull.MISSING
    platform: platform.Platform = platform.DEFAULT
    insecure_registries: tuple[str, ...] = ()  # HOST[:PORT]
    mirrors: tuple[str, ...] = ()  # HOST[:PORT][/PATH], or REGISTRY=HOST[:PORT][/PATH]
    limits: limits.Limits = limits.DEFAULT
    build: BuildOptions = BuildOptions()


DEFAULT_OPTIONS = SourceOptions()
