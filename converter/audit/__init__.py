"""A migration audit: what `convert` would make of many images, without linking or booting anything.

Each image is looked at by a process of its own (`dock2uk assess`), so that one that is damaged,
slow or hostile costs its own row alone. What is done is kept until all are, so that an audit that
was interrupted goes on where it was.
"""

from __future__ import annotations

from .assessment import VERDICTS, How, assess
from .document import build
from .images import listed
from .looking import Audit, forget, look
from .rendering import FORMATS
from .terminal import summary

__all__ = [
    "FORMATS",
    "VERDICTS",
    "Audit",
    "How",
    "assess",
    "build",
    "forget",
    "listed",
    "look",
    "summary",
]
