"""Digests (OCI image-spec descriptor.md): checked before they are used as names or believed."""

from __future__ import annotations

import hashlib
import re
from typing import BinaryIO

from ..errors import SourceError

_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_CHUNK_BYTES = 1 << 20


def validated(text: object, *, of: str) -> str:
    """`text` if it is a sha256 digest; a hostile one could be a path."""
    if not isinstance(text, str) or _SHA256.fullmatch(text) is None:
        raise SourceError(f"{of}: {text!r} is not a sha256 digest")
    return text


def of_bytes(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def of_file(file: BinaryIO) -> str:
    """The digest of what is left to read."""
    state = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        state.update(chunk)
    return "sha256:" + state.hexdigest()
