"""report.json as it is read again: a bundle's, or by itself, kept from an earlier conversion.

It may be of another version, cut short, or no report at all; what is not looked at here is left to
who reads it (`understood`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import Dock2ukError

NAME = "report.json"
VERSION = 1  # of the schema (docs/report.schema.json)
_MAYBE_COUNT, _MAYBE_OBJECT = (int, type(None)), (dict, type(None))
_PARTS = {
    "tool": dict, "source": dict, "runtime": dict, "entrypoint": dict, "metrics": list,
    "losses": list, "notes": list, "packages": list, "secrets": list, "interfaces": dict,
    "files": dict, "artifact": dict, "comparison": dict, "scenarios": list,
    "vulnerabilities": _MAYBE_OBJECT, "verification": _MAYBE_OBJECT,
}  # fmt: skip
_OF_A_METRIC = {
    "id": str, "name": str, "unit": str, "evidence": dict, "before": _MAYBE_COUNT,
    "after": _MAYBE_COUNT,
}  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    """Of a bundle, or the file itself. Raises Dock2ukError."""
    file = path / NAME if path.is_dir() else path
    try:
        document = json.loads(file.read_bytes())
    except OSError as problem:
        hint = "give a bundle or its report.json; of an image: convert it first, or give two images"
        raise Dock2ukError(f"cannot read {file}: {problem.strerror}", hint=hint) from problem
    except ValueError as problem:
        raise Dock2ukError(f"{file}: not understood: {problem}") from problem
    _require_report(file, document)
    return dict(document)


@contextmanager
def understood(path: Path | str) -> Iterator[None]:
    """Dock2ukError for what is missing, or of another kind, further down in a report: there is no
    end to the ways in which code and templates fail over it."""
    try:
        yield
    except (Dock2ukError, OSError):
        raise
    except Exception as problem:
        said = f"{path}: not as a report of this version is: {problem!r}"
        raise Dock2ukError(said, hint="convert the image again") from problem


def _require_report(file: Path, document: Any) -> None:
    if not isinstance(document, dict) or "version" not in document:
        raise Dock2ukError(f"{file}: it is no report")
    if document["version"] != VERSION:
        said = f"{file}: a report of version {document['version']}, where {VERSION} is what is read"
        raise Dock2ukError(said)
    if wrong := _wrong(document, _PARTS):
        raise Dock2ukError(f"{file}: it is no report: {wrong} is not as it should be")
    for metric in document["metrics"]:
        if wrong := _wrong(metric, _OF_A_METRIC):
            raise Dock2ukError(f"{file}: it is no report: {wrong} of a figure is not")


def _wrong(table: Any, kinds: dict[str, Any]) -> str | None:
    """The first that is missing or of another kind."""
    if not isinstance(table, dict):
        return "all"
    names = (name for name, kind in kinds.items() if not isinstance(table.get(name, ...), kind))
    return next(names, None)
