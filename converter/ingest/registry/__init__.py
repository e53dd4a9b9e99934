"""Images of registries, by the distribution protocol (OCI distribution-spec).

Reads only: manifests, indexes and blobs. Does not push, list catalogues, or check signatures.
"""

from __future__ import annotations

from ...progress import Progress
from ..manifest import Manifest
from ..options import SourceOptions


def open_image(reference: str, progress: Progress, options: SourceOptions) -> Manifest:
    """The image that its registry, or a mirror of it, has under this name for the platform."""
    # Imported here: no other source should pay for loading it.
    from . import pull

    return pull.open_image(reference, progress, options)
