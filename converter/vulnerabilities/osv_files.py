"""A copy of OSV's data on this machine: DIR/ECOSYSTEM/all.zip, or JSON files in DIR/ECOSYSTEM.

That is what OSV publishes, and how scanners keep it. Records that name no wanted package are not
parsed: an ecosystem has a hundred thousand.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from ..errors import Dock2ukError
from .ecosystems import Ecosystem

_ARCHIVE = "all.zip"
_RECORD_BYTES = 64 << 20
_STRING = rb'\s*:\s*"((?:[^"\\]|\\.)*)"'
_NAME = re.compile(rb'"name"' + _STRING)
_ECOSYSTEM = re.compile(rb'"ecosystem"' + _STRING)


def require_database(directory: Path) -> None:
    """Raise Dock2ukError where there is nothing to be read."""
    if not directory.is_dir() or not any(_is_place(one) for one in directory.iterdir()):
        raise Dock2ukError(
            f"{directory} has no directory of an ecosystem with all.zip or *.json in it",
            hint="put OSV's all.zip of each ecosystem into DIR/ECOSYSTEM, as in DIR/Debian/all.zip",
        )


def has(directory: Path, ecosystem: Ecosystem) -> bool:
    return any(True for _ in _places(directory, ecosystem))


def has_release(directory: Path, ecosystem: Ecosystem) -> bool:
    """Whether a record is of this release: the directory of a distribution has those of some."""
    return ecosystem.release is None or any(
        ecosystem.is_of_release(stated)
        for place in _places(directory, ecosystem)
        for data in _contents(place)
        for stated in _stated(data, _ECOSYSTEM)
    )


def records(
    directory: Path, ecosystem: Ecosystem, names: Container[str]
) -> Iterator[dict[str, Any]]:
    """Those that name one of `names`, as it is spelled there, each once."""
    met: set[str] = set()
    for place in _places(directory, ecosystem):
        for data in _contents(place):
            if any(ecosystem.spelled(name) in names for name in _stated(data, _NAME)):
                record = _parsed(data, place)
                if record["id"] not in met:
                    met.add(record["id"])
                    yield record


def _is_place(directory: Path) -> bool:
    return directory.is_dir() and (
        (directory / _ARCHIVE).is_file() or any(directory.glob("*.json"))
    )


def _places(directory: Path, ecosystem: Ecosystem) -> Iterator[Path]:
    """A directory of the ecosystem, of this release, or both."""
    for place in sorted(directory.iterdir()):
        if _is_place(place) and ecosystem.is_of(place.name):
            yield place


def _contents(place: Path) -> Iterator[bytes]:
    archive = place / _ARCHIVE
    try:
        if archive.is_file():
            with zipfile.ZipFile(archive) as opened:
                for entry in opened.infolist():
                    if entry.filename.endswith(".json") and entry.file_size <= _RECORD_BYTES:
                        yield opened.read(entry)
        for file in sorted(place.glob("*.json")):
            yield file.read_bytes()
    except (zipfile.BadZipFile, OSError, NotImplementedError) as problem:
        raise Dock2ukError(
            f"{place} cannot be read: {problem}", hint="fetch the ecosystem's all.zip again"
        ) from problem


def _stated(data: bytes, member: re.Pattern[bytes]) -> Iterator[str]:
    """The values of a member, wherever it stands; JSON may escape any character (RFC 8259 § 7)."""
    for value in member.findall(data):
        try:
            yield json.loads(b'"%b"' % value) if b"\\" in value else value.decode()
        except ValueError:
            continue  # such a record is no JSON, and is met where it is parsed


def _parsed(data: bytes, place: Path) -> dict[str, Any]:
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise Dock2ukError(f"{place} has a record that is no JSON: {problem}") from problem
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        raise Dock2ukError(f"{place} has a record without `id`: it is not OSV's")
    return record
