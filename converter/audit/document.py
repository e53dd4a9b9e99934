"""The audit as JSON values (docs/audit.schema.json)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .. import __version__
from .assessment import VERDICTS

VERSION = 2


def build(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    counts = Counter(row["verdict"] for row in rows)
    return {
        "version": VERSION,
        "tool": {"name": "dock2uk", "version": __version__},
        "counts": {verdict: counts[verdict] for verdict in VERDICTS},
        "images": list(rows),
    }
