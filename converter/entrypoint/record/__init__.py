"""The recorded run: the image's own start-up, watched in a sandbox until its program is known."""

from __future__ import annotations

from .recording import Bounds, Recording, Surroundings
from .sandbox import find_obstacle, record

__all__ = ["Bounds", "Recording", "Surroundings", "find_obstacle", "record"]
