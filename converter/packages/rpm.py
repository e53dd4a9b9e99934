"""Packages of Fedora, Red Hat, SUSE and others, from rpm's database, in the places it has been."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..model import Node, Package
from . import purl, rpm_header
from .image_files import ImageFiles, TooLargeError
from .rpm_database import DATABASE_BYTES, DamagedDatabaseError, ndb_headers, sqlite_headers
from .rpm_header import DamagedHeaderError
from .values import Distribution, Installed, Unread

ECOSYSTEM = "rpm"
_DIRECTORIES = ("/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm")
_READERS = {"rpmdb.sqlite": sqlite_headers, "Packages.db": ndb_headers}
_BERKELEY = "Packages"
PLACES = tuple(
    f"{directory}/{name}" for directory in _DIRECTORIES for name in (*_READERS, _BERKELEY)
)
_KEY = "gpg-pubkey"  # a key that the database keeps as if it were a package
# rpmfiles.h, rpmfileState: what a package lists and was not put there.
_NOT_INSTALLED, _WRONG_COLOUR = 2, 4


def read(files: ImageFiles, distribution: Distribution | None) -> Iterator[Installed | Unread]:
    """Every package of every database; two names of one file are one."""
    met: set[str] = set()
    for place in PLACES:
        node = files.tree.resolve(place)
        if node is None or node.path in met:
            continue
        met.add(node.path)
        name = place.rpartition("/")[2]
        if name == _BERKELEY:
            yield Unread(node.path, "a Berkeley DB, which is not read")
        else:
            yield from _database(files, distribution, node, name)


def _database(
    files: ImageFiles, distribution: Distribution | None, node: Node, name: str
) -> Iterator[Installed | Unread]:
    log = files.tree.get(f"{node.path}-wal")
    if log is not None and log.size:
        yield Unread(log.path, "a write-ahead log: what it adds to the database is not read")
    count = total_bytes = 0
    try:
        for blob in _READERS[name](files.bytes_of(node, DATABASE_BYTES) or b""):
            count += 1
            total_bytes += len(blob)
            if total_bytes > node.size:
                raise DamagedDatabaseError("its entries lie over each other")
            yield from _entry(files, distribution, blob, node.path)
    except (DamagedDatabaseError, TooLargeError) as problem:
        yield Unread(node.path, str(problem))
        return
    if not count:
        yield Unread(node.path, "no package is recorded in it")


def _entry(
    files: ImageFiles, distribution: Distribution | None, blob: bytes, place: str
) -> Iterator[Installed | Unread]:
    try:
        header = rpm_header.read(blob)
    except DamagedHeaderError as problem:
        yield Unread(place, f"a header is damaged: {problem}")
        return
    if not _first(header, rpm_header.NAME) or not _first(header, rpm_header.VERSION):
        yield Unread(place, "an entry has no name or no version")
    elif _first(header, rpm_header.NAME) != _KEY:
        yield _installed(files, distribution, header, place)


def _installed(
    files: ImageFiles, distribution: Distribution | None, header: Mapping[int, Any], place: str
) -> Installed:
    name, epoch = _first(header, rpm_header.NAME), _first(header, rpm_header.EPOCH)
    plain = f"{_first(header, rpm_header.VERSION)}-{_first(header, rpm_header.RELEASE)}"
    architecture = _first(header, rpm_header.ARCHITECTURE)
    source_file = _first(header, rpm_header.SOURCE_PACKAGE)
    source, source_version = _source(source_file, name, plain)
    listed = tuple(_paths(header))
    prefix = f"{epoch}:" if epoch not in ("", "0") else ""
    package = Package(
        name=name,
        version=prefix + plain,
        source=source,
        source_version=prefix + source_version,
        files=files.canonicals(listed),
        ecosystem=ECOSYSTEM,
        purl=purl.make_system(
            ECOSYSTEM, distribution, name, plain,
            arch=architecture, epoch=epoch, upstream=source_file,
        ),
        architecture=architecture,
        recorded_in=place,
    )  # fmt: skip
    wants, provides = (
        tuple(map(str, header.get(tag, ()))) for tag in (rpm_header.REQUIRES, rpm_header.PROVIDES)
    )
    return Installed(package, wants, (*provides, *listed))  # a file can be required too


def _first(header: Mapping[int, Any], tag: int) -> str:
    values = header.get(tag, ())
    return str(values[0]) if values else ""


def _source(file: str, name: str, version: str) -> tuple[str, str]:
    """Of "bash-5.2.15-3.fc38.src.rpm"."""
    parts = file.removesuffix(".rpm").rpartition(".")[0].rsplit("-", 2)
    return (parts[0], f"{parts[1]}-{parts[2]}") if len(parts) == 3 else (name, version)


def _paths(header: Mapping[int, Any]) -> Iterator[str]:
    states = header.get(rpm_header.FILE_STATES, ())
    for index, path in enumerate(_listed(header)):
        state = states[index] if index < len(states) else 0
        if state not in (_NOT_INSTALLED, _WRONG_COLOUR):
            yield path


def _listed(header: Mapping[int, Any]) -> Iterator[str]:
    """Directories stand once, and each file says which is its own."""
    yield from map(str, header.get(rpm_header.OLD_FILE_NAMES, ()))
    directories = header.get(rpm_header.DIRECTORY_NAMES, ())
    names = header.get(rpm_header.BASE_NAMES, ())
    indexes = header.get(rpm_header.DIRECTORY_INDEXES, ())
    for name, index in zip(names, indexes, strict=False):
        if isinstance(index, int) and index < len(directories):
            yield f"{directories[index]}{name}"
