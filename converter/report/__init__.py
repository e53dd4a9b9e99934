"""report: what changed in security terms, before and after, with the evidence for each line.

`build` makes the canonical document (report.json, docs/report.schema.json); everything shown is
rendered from it, in `formats`. Nothing is measured here: what a run showed, its stage found out.
"""

from __future__ import annotations

from .chain import chain
from .document import Findings, build
from .foreseen import foreseen
from .terminal import summary

__all__ = ["Findings", "build", "chain", "foreseen", "summary"]
