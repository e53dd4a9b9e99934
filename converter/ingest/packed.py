"""An archive that can be read in place: the file itself, or, where it is compressed or cannot be
sought in (a pipe, as docker-archive:/dev/stdin can be), a copy in the cache.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO, cast

from .. import cache
from ..errors import SourceError
from . import compression, digest
from .limits import Limits, hint

_CHUNK_BYTES = 1 << 20
_SMALL_BYTES = 64 << 10


def plain_file(path: Path, limits: Limits) -> Path:
    """`path`, or where its plain content is kept."""
    try:
        if not path.exists():
            raise SourceError(f"cannot read {path}: No such file or directory")
        if path.is_dir():
            raise SourceError(f"{path} is a directory, not an archive", hint=f"try oci:{path}")
        seekable = path if path.is_file() else _spooled(path, limits)
        with seekable.open("rb") as file:
            begin = file.read(compression.MAGIC_BYTES)
            opener = compression.opener(compression.ARCHIVE, begin)
            if opener is None:
                return seekable
            file.seek(0)
            packed = digest.of_file(file)
    except OSError as problem:
        raise SourceError(f"cannot read {path}: {problem.strerror}") from problem
    kept = cache.path("archives", packed)
    if cache.find("archives", packed) is None:
        _expand(seekable, opener, kept, limits)
    return kept


def _spooled(path: Path, limits: Limits) -> Path:
    """A copy of what comes out of a pipe, under its own digest."""
    state = hashlib.sha256()
    written_bytes = 0
    arriving = cache.path("piped", f"arriving-{os.getpid()}")
    with path.open("rb") as source, cache.writing(arriving) as copy:
        while chunk := source.read(_CHUNK_BYTES):
            written_bytes += len(chunk)
            if written_bytes > limits.layer_bytes:
                raise SourceError(
                    f"{path} gives more than {limits.layer_bytes} bytes", hint=hint("layer_bytes")
                )
            copy.write(chunk)
            state.update(chunk)
    kept = cache.path("piped", "sha256:" + state.hexdigest())
    return arriving.replace(kept)


def _expand(path: Path, opener: compression.Opener, kept: Path, limits: Limits) -> None:
    ratio_bytes = max(path.stat().st_size, _SMALL_BYTES) * limits.expansion
    limit_bytes = min(ratio_bytes, limits.layer_bytes)
    try:
        with path.open("rb") as file, cache.writing(kept) as output:
            plain = opener(cast(BinaryIO, file))
            while chunk := _read(plain, path):
                output.write(chunk)
                if output.tell() > limit_bytes:
                    field = "expansion" if limit_bytes == ratio_bytes else "layer_bytes"
                    raise SourceError(f"{path} is a decompression bomb", hint=hint(field))
    except compression.BROKEN as broken:
        raise SourceError(
            f"{path} cannot be decompressed: {broken}",
            hint="it may have been cut short or damaged on its way: make it again",
        ) from broken


def _read(plain: BinaryIO, path: Path) -> bytes:
    try:
        return plain.read(_CHUNK_BYTES)
    except OSError as broken:  # bzip2's way to say that it is damaged
        raise SourceError(f"{path} cannot be decompressed: {broken}") from broken
