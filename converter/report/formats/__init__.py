"""report.json in the forms that others read, each rendered from that document alone.

What a form has no room for it leaves out and counts; nothing here is measured or decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import as_json, cyclonedx, html, intoto, junit, markdown, openvex, sarif, spdx
from .text import NothingToSayError

__all__ = ["FORMATS", "NothingToSayError", "markdown"]

FORMATS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "cyclonedx": cyclonedx.render,
    "html": html.render,
    "intoto": intoto.render,
    "json": as_json.render,
    "junit": junit.render,
    "md": markdown.render,
    "openvex": openvex.render,
    "sarif": sarif.render,
    "spdx": spdx.render,
}
