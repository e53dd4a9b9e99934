"""A layer opened as a plain tar: where its bytes lie, and a stream of them.

A compressed layer is expanded into the cache while it is read, under its diff_id, and is kept
there only if the block that reads it ends without an error: a layer that lies, or holds what no
honest one does, leaves nothing. Next time it is read from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from .. import cache
from ..errors import LayerError
from . import compression
from .blob import Blob
from .limits import Limits, hint
from .stream import LayerStream, TooLongError

_SMALL_BYTES = 64 << 10  # the ratio of so little says nothing


Advance = Callable[[int, int], None]  # told the bytes of the blob that were read, and its size


@contextmanager
def opened(
    blob: Blob, diff_id: str, limits: Limits, advance: Advance
) -> Iterator[tuple[Blob, LayerStream]]:
    """The plain layer, and a stream of it to be read to its end; LayerError if it is a bomb."""
    with blob.open() as file:
        opener = compression.opener(compression.LAYER, file.peek(compression.MAGIC_BYTES))
    kept = cache.path("layers", diff_id)
    try:
        if opener is None:
            with _plain(blob, advance) as one:
                yield one
        elif cache.find("layers", diff_id) is not None:
            with _plain(Blob(kept, 0, kept.stat().st_size), advance) as one:
                yield one
        else:
            with _expanding(blob, opener, (kept, _limit_bytes(blob, limits)), advance) as one:
                yield one
    except TooLongError:
        raise _bomb(blob, diff_id, limits) from None
    except compression.BROKEN as broken:
        problem = f"it cannot be decompressed: {broken}"
        hint = cache.discard(blob.path) or _FETCH_AGAIN
        raise LayerError(diff_id, "(whole layer)", problem, hint=hint) from broken


_FETCH_AGAIN = "it may have been cut short or damaged on its way: fetch the image again"


@contextmanager
def _plain(blob: Blob, advance: Advance) -> Iterator[tuple[Blob, LayerStream]]:
    with (
        blob.open() as file,
        LayerStream(cast(BinaryIO, file), blob.size, _telling(file, blob, advance)) as stream,
    ):
        yield blob, stream


def _telling(file: BufferedReader, blob: Blob, advance: Advance) -> Callable[[], None]:
    return lambda: advance(file.raw.tell(), blob.size)


@contextmanager
def _expanding(
    blob: Blob, opener: compression.Opener, target: tuple[Path, int], advance: Advance
) -> Iterator[tuple[Blob, LayerStream]]:
    """Into the first of `target`, which may become as large as the second."""
    kept, limit_bytes = target
    # How large it becomes is not known yet; that no content reaches past its end is seen there.
    becoming = Blob(kept, 0, limit_bytes)
    with blob.open() as file, cache.writing(kept) as copy:
        plain, on_chunk = opener(cast(BinaryIO, file)), _telling(file, blob, advance)
        with LayerStream(plain, limit_bytes, on_chunk, copy) as stream:
            yield becoming, stream


def _limit_bytes(blob: Blob, limits: Limits) -> int:
    return min(limits.layer_bytes, max(blob.size, _SMALL_BYTES) * limits.expansion)


def _bomb(blob: Blob, diff_id: str, limits: Limits) -> LayerError:
    limit_bytes = _limit_bytes(blob, limits)
    field = "layer_bytes" if limit_bytes == limits.layer_bytes else "expansion"
    problem = f"it expands to more than {limit_bytes} bytes from {blob.size}: a decompression bomb"
    return LayerError(diff_id, "(whole layer)", problem, hint=hint(field))
