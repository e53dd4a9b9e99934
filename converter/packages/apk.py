"""Alpine's packages, from apk's database (apk-tools' apk-package(5), apk-installed(5)).

The database is text: a stanza a package, a letter and a colon before each value; F: names a
directory, and the R: after it its files. Signatures, scripts and triggers are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model import Package
from . import purl
from .image_files import ImageFiles, TooLargeError
from .values import Distribution, Installed, Unread

ECOSYSTEM = "apk"
PLACES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
_VERSION_OF_CAPABILITY = re.compile(r"[<>=~].*")


def read(files: ImageFiles, distribution: Distribution | None) -> Iterator[Installed | Unread]:
    """Every package of the first database there is: on a merged /usr both names are one file."""
    node = next(filter(None, (files.tree.resolve(place) for place in PLACES)), None)
    if node is None:
        return
    try:
        text = files.text_at(node.path) or ""
    except TooLargeError as refused:
        yield Unread(node.path, str(refused))
        return
    found = [_lines(stanza) for stanza in re.split(r"\n\s*\n", text) if stanza.strip()]
    for lines in found:
        installed = _installed(files, lines, distribution, node.path)
        yield installed or Unread(node.path, "an entry has no name or no version")
    if not found:
        yield Unread(node.path, "no package is recorded in it")


def _lines(stanza: str) -> list[tuple[str, str]]:
    return [(line[0], line[2:]) for line in stanza.split("\n") if line[1:2] == ":"]


def _installed(
    files: ImageFiles, lines: list[tuple[str, str]], distribution: Distribution | None, place: str
) -> Installed | None:
    fields = dict(lines)
    name, version, architecture = (fields.get(letter, "") for letter in "PVA")
    if not name or not version:
        return None
    package = Package(
        name=name,
        version=version,
        source=fields.get("o") or name,
        source_version=version,
        files=files.canonicals(_paths(lines)),
        ecosystem=ECOSYSTEM,
        purl=purl.make_system(ECOSYSTEM, distribution, name, version, arch=architecture),
        architecture=architecture,
        recorded_in=place,
    )
    wants, provides = (_capabilities(fields.get(letter, "")) for letter in "Dp")
    return Installed(package, wants, provides)


def _paths(lines: list[tuple[str, str]]) -> Iterator[str]:
    directory = ""
    for letter, value in lines:
        if letter == "F":
            directory = value.strip("/")
            yield f"/{directory}"
        elif letter == "R":
            yield f"/{directory}/{value}" if directory else f"/{value}"


def _capabilities(value: str) -> tuple[str, ...]:
    """Names without versions; `!name` is a conflict."""
    words = (word for word in value.split() if not word.startswith("!"))
    return tuple(_VERSION_OF_CAPABILITY.sub("", word) for word in words)
