"""What lies between two images or unikernels: figures, packages, vulnerabilities, files.

Each is made a `Profile` first, an image as it is and a bundle by what its unikernel has; the
difference is a document of its own (docs/difference.schema.json), rendered from there.
"""

from __future__ import annotations

from .document import build
from .profile import Profile, of_image, of_report
from .rendering import FORMATS, summary

__all__ = ["FORMATS", "Profile", "build", "of_image", "of_report", "summary"]
