"""Debian's packages, from dpkg's database (dpkg-query(1), deb-control(5), dpkg-divert(1)).

Reads /var/lib/dpkg/status with info/*.list, and distroless images' /var/lib/dpkg/status.d.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..model import Package
from . import purl
from .image_files import METADATA_BYTES, ImageFiles, TooLargeError
from .values import Distribution, Installed, Unread

ECOSYSTEM = "deb"
_DATABASE = "/var/lib/dpkg"
PLACES = (f"{_DATABASE}/status", f"{_DATABASE}/status.d")
# dpkg(1), package states: those in which files of the package are there.
_PRESENT = frozenset((
    "installed", "unpacked", "half-configured", "half-installed", "triggers-awaited",
    "triggers-pending",
))  # fmt: skip
_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]*): *(.*)$", re.MULTILINE)
_SOURCE = re.compile(r"(\S+)(?:\s+\(([^)]*)\))?")  # "gcc-12 (12.2.0-14)"
_DEPENDED = re.compile(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]*)")

_Diversions = Mapping[str, tuple[str, str]]  # path -> where it went, and for which package


@dataclass(frozen=True, slots=True)
class _Stanza:
    fields: Mapping[str, str]
    recorded_in: str
    lists: tuple[str, ...]  # where the names of its files can stand


def read(files: ImageFiles, distribution: Distribution | None) -> Iterator[Installed | Unread]:
    """Every package of which there are files, and what could not be read."""
    diverted = _diversions(files)
    for place, stanzas in _databases(files):
        count = 0
        for stanza in stanzas:
            if isinstance(stanza, Unread):
                yield stanza
            elif stanza.fields.get("Package") and stanza.fields.get("Version"):
                count += 1
                if _is_present(stanza.fields):
                    yield _installed(files, stanza, distribution, diverted)
            else:
                yield Unread(place, "an entry has no name or no version")
        if not count:
            yield Unread(place, "no package is recorded in it")


def _is_present(fields: Mapping[str, str]) -> bool:
    """`Status: want error state`; status.d has only what is there, and says nothing."""
    return fields.get("Status", "install ok installed").rpartition(" ")[2] in _PRESENT


def _databases(files: ImageFiles) -> Iterator[tuple[str, Iterator[_Stanza | Unread]]]:
    status, directory = (files.tree.resolve(place) for place in PLACES)
    is_split = directory is not None and bool(files.tree.children(directory.path))
    # Distroless images have an empty `status` beside status.d; alone it is a finding.
    if status is not None and (status.size or not is_split):
        yield status.path, _status(files, status.path)
    if directory is not None and is_split:
        yield directory.path, _status_directory(files, directory.path)


def _status(files: ImageFiles, path: str) -> Iterator[_Stanza | Unread]:
    try:
        text = files.text_at(path) or ""
    except TooLargeError as refused:
        yield Unread(path, str(refused))
        return
    for stanza in re.split(r"\n\s*\n", text):
        if stanza.strip():
            fields = dict(_FIELD.findall(stanza))
            name, architecture = fields.get("Package", ""), fields.get("Architecture", "")
            stem = f"{_DATABASE}/info/{name}"
            yield _Stanza(fields, path, (f"{stem}.list", f"{stem}:{architecture}.list"))


def _status_directory(files: ImageFiles, path: str) -> Iterator[_Stanza | Unread]:
    for node in files.tree.children(path):
        if node.path.endswith(".md5sums"):
            continue
        try:
            text = files.text_of(node) or ""
        except TooLargeError as refused:
            yield Unread(node.path, str(refused))
            continue
        yield _Stanza(dict(_FIELD.findall(text)), node.path, (f"{node.path}.md5sums",))


def _installed(
    files: ImageFiles, stanza: _Stanza, distribution: Distribution | None, diverted: _Diversions
) -> Installed:
    fields = stanza.fields
    name, version = fields["Package"], fields["Version"]
    architecture = fields.get("Architecture", "")
    source = _SOURCE.match(fields.get("Source", ""))
    listed = _listed(files, stanza.lists)
    placed = (_diverted(path, name, diverted) for path in listed or ())
    package = Package(
        name=name,
        version=version,
        source=source[1] if source else name,
        source_version=(source[2] if source else None) or version,
        files=files.canonicals(placed),
        ecosystem=ECOSYSTEM,
        purl=purl.make_system(ECOSYSTEM, distribution, name, version, arch=architecture),
        architecture=architecture,
        recorded_in=stanza.recorded_in,
        is_file_list_known=listed is not None,
    )
    return Installed(package, _depended_on(fields))


def _depended_on(fields: Mapping[str, str]) -> tuple[str, ...]:
    """Package names of the fields that say what must be there (deb-control(5)); of alternatives,
    each. Virtual packages have no files and are not looked for."""
    relations = ",".join(fields.get(field, "") for field in ("Pre-Depends", "Depends"))
    return tuple(dict.fromkeys(_DEPENDED.findall(relations)))


def _listed(files: ImageFiles, lists: tuple[str, ...]) -> tuple[str, ...] | None:
    """The paths of info/NAME.list; for distroless, those of NAME.md5sums. None: nobody says."""
    for place in lists:
        try:
            text = files.text_at(place, METADATA_BYTES)
        except TooLargeError:
            return None
        if text is not None and place.endswith(".md5sums"):
            named = (line.partition("  ")[2] for line in text.splitlines())
            return tuple("/" + name.lstrip("/") for name in named if name)
        if text is not None:
            return tuple(line for line in text.splitlines() if line.startswith("/"))
    return None


def _diversions(files: ImageFiles) -> _Diversions:
    """Three lines for each: the path, where it is instead, and whose own file may have it."""
    try:
        lines = (files.text_at(f"{_DATABASE}/diversions", METADATA_BYTES) or "").splitlines()
    except TooLargeError:
        return {}
    threes = zip(lines[::3], lines[1::3], lines[2::3], strict=False)
    return {path: (other, package) for path, other, package in threes}


def _diverted(path: str, package: str, diverted: _Diversions) -> str:
    other, owner = diverted.get(path, ("", ""))
    return other if other and owner != package else posixpath.normpath(path)
