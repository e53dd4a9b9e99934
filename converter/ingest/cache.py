"""Files kept between runs, under XDG_CACHE_HOME/dock2uk, each named by the digest of its content.

A file appears under its name only when it is whole and checked: it is written beside and renamed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def directory() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dock2uk"


def path(kind: str, digest: str) -> Path:
    """Where the content with this digest ("sha256:…", already validated) is kept."""
    return directory() / kind / digest.replace(":", "-")


def discard(damaged: Path) -> str | None:
    """Keep a damaged file of ours no longer; what to try then, None when it is not ours."""
    if directory() not in damaged.parents:
        return None
    damaged.unlink(missing_ok=True)
    return "the damaged copy in the cache is gone: try again"


@contextmanager
def writing(target: Path) -> Iterator[BinaryIO]:
    """A file that becomes `target` when the block is left without an error, and vanishes else."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".partial-")
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
