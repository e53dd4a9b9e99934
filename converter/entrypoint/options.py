"""How an image's program is to be found, as the user says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ..model import Overrides
from .record.recording import Bounds


class Resolve(StrEnum):
    """How far to go: read only, always run the start-up, or run it where reading is not enough."""

    AUTO = "auto"
    STATIC = "static"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Options:
    """What `convert` and `entrypoint` may be told."""

    resolve: Resolve = Resolve.AUTO
    overrides: Overrides = field(default_factory=Overrides)  # as `docker run` has them
    is_baked: bool = False  # what depends on the machine or is a secret goes in as well
    bounds: Bounds = field(default_factory=Bounds)


DEFAULTS = Options()
