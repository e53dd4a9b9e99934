"""What was found out about a layer's files, kept for whoever asks the same of the same layer: many
images have their first layers in common.

An answer is known by the layer's digest and the place in its tar. What is kept is of the code that
found it: its digest stands in the file, and with other code all is found anew. A cache that cannot
be read or written is none. Files that are in no layer, or sparse there, are asked each time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from . import cache
from .model import Content

T = TypeVar("T")


@dataclass(frozen=True)
class Question(Generic[T]):
    """`find` answers it; the two others turn an answer into JSON values and back, which may be a
    ValueError, KeyError or TypeError. `sources` are the files of the code that finds it."""

    kind: str  # of the cache
    find: Callable[[Content], T]
    encode: Callable[[T], Any]
    decode: Callable[[Any], T]
    sources: tuple[Path, ...]

    @cached_property
    def version(self) -> str:
        digest = hashlib.sha256()
        for path in self.sources:
            digest.update(path.read_bytes())
        return digest.hexdigest()


@dataclass
class _Layer(Generic[T]):
    by_offset: dict[str, Any] = field(default_factory=dict)
    is_changed: bool = False


class Answers(Generic[T]):
    """To one question."""

    def __init__(self, question: Question[T]) -> None:
        self._question = question
        self._layers: dict[str, _Layer[T]] = {}

    def of(self, content: Content) -> T:
        place = getattr(content, "place", None)  # a protocol would cost more than all the rest
        if place is None:
            return self._question.find(content)
        diff_id, offset = place
        if diff_id not in self._layers:
            self._layers[diff_id] = self._read(diff_id)
        layer = self._layers[diff_id]
        key = str(offset)
        if key in layer.by_offset:
            return self._question.decode(layer.by_offset[key])
        answer = self._question.find(content)
        layer.by_offset[key] = self._question.encode(answer)
        layer.is_changed = True
        return answer

    def keep(self) -> None:
        """For the next run; layers are not held any longer."""
        for diff_id, layer in self._layers.items():
            if layer.is_changed:
                self._write(diff_id, layer)
        self._layers.clear()

    def _read(self, diff_id: str) -> _Layer[T]:
        try:
            kept = cache.find(self._question.kind, diff_id)
            document = json.loads(kept.read_bytes()) if kept is not None else {}
            if document.get("version") == self._question.version:
                answers = dict(document["answers"])
                self._require_readable(answers.values())
                return _Layer(answers)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return _Layer()

    def _require_readable(self, answers: Iterable[Any]) -> None:
        for one in answers:
            self._question.decode(one)

    def _write(self, diff_id: str, layer: _Layer[T]) -> None:
        try:
            document = {"version": self._question.version, "answers": layer.by_offset}
            with cache.writing(cache.path(self._question.kind, diff_id)) as file:
                file.write(json.dumps(document, separators=(",", ":")).encode())
        except OSError:
            pass  # read-only home, or compiled code alone: the next run finds it again
