"""probes: questions that are asked of a running program through its ports, and what it answered.

The same ones go to the booted guest and to the container that it was made of, so nothing here knows
which of the two it speaks to. Only what the user writes in an `exec:` probe is executed.
"""

from __future__ import annotations

from .answers import ask
from .question import covering, parse

__all__ = ["ask", "covering", "parse"]
