"""PHP's packages: vendor/composer/installed.json, version 1 (a list) and 2 (an object)."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from typing import Any

from ..model import Node, Package
from . import purl
from .image_files import ImageFiles
from .values import Unread

_ECOSYSTEM = "composer"
_BYTES = 32 << 20


def is_record(node: Node) -> bool:
    return node.path.endswith("/composer/installed.json")


def read(files: ImageFiles, node: Node) -> Iterator[Package | Unread]:
    """The packages that are listed."""
    try:
        document = json.loads(files.text_of(node, _BYTES) or "")
    except (ValueError, RecursionError):
        yield Unread(node.path, "it is no JSON")
        return
    listed = document.get("packages") if isinstance(document, dict) else document
    for entry in listed if isinstance(listed, list) else ():
        name, version = (
            entry.get(field) if isinstance(entry, dict) else None for field in ("name", "version")
        )
        if isinstance(name, str) and isinstance(version, str) and name and version:
            yield _package(files, node, entry, name, version)
        else:
            yield Unread(node.path, "an entry has no name or no version")


def _package(
    files: ImageFiles, node: Node, entry: dict[str, Any], name: str, version: str
) -> Package:
    directory = posixpath.dirname(node.path)
    place = entry.get("install-path")
    home = posixpath.join(directory, place if isinstance(place, str) else f"../{name}")
    found = files.tree.resolve(posixpath.normpath(home))
    below = files.files_below(found.path) if found is not None else ()
    return Package(
        name=name,
        version=version,
        source=name,
        source_version=version,
        files=tuple(sorted(below)),
        ecosystem=_ECOSYSTEM,
        purl=purl.make(_ECOSYSTEM, name, version.removeprefix("v")),
        recorded_in=node.path,
        is_file_list_known=bool(below),
    )
