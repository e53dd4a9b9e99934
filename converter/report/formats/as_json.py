"""The document itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .text import encodable


def render(document: Mapping[str, Any]) -> str:
    """As report.json has it."""
    return encodable(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"
