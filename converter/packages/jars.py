"""Java's packages: META-INF/maven/*/*/pom.properties of jars, and of jars in them; where a jar has
none, its manifest and its name ("guava-32.1.jar").

A package of a jar that is within another has the outer one as its file: nothing less can be kept.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from ..model import Node, Package
from . import purl
from .image_files import ImageFiles, TooLargeError
from .values import Unread

_ECOSYSTEM = "maven"
_ENDINGS = (".jar", ".war", ".ear", ".jpi", ".hpi")
_POM = re.compile(r"META-INF/maven/[^/]+/[^/]+/pom\.properties")
_MANIFEST = "META-INF/MANIFEST.MF"
_NAME = re.compile(r"(.+?)-v?([0-9][\w.+-]*)$")
_JAR_BYTES = 1 << 30
_DIRECTORY_BYTES = 16 << 20  # a hundred thousand entries
_RECORD_BYTES = 256 << 10
_NESTED_BYTES, _NESTED_COUNT, _DEPTH = 128 << 20, 2000, 3
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, ValueError,
    NotImplementedError, RuntimeError, EOFError, TooLargeError,
)  # fmt: skip


class _Bounded(io.RawIOBase):
    """zipfile reads the directory of an archive at once, however long it claims to be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > _DIRECTORY_BYTES:
            raise ValueError(f"a directory of {size} bytes")
        return self._file.read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


def is_record(node: Node) -> bool:
    return node.path.endswith(_ENDINGS)


def read(files: ImageFiles, node: Node) -> Iterator[Package | Unread]:
    """What is in a jar, and in those in it."""
    if node.content is None or node.size > _JAR_BYTES:
        yield Unread(node.path, f"a jar of {node.size} bytes; at most {_JAR_BYTES} are read")
        return
    with node.content.open() as file:
        yield from _Reading(files, node).archive(file, node.path, 0)


class _Reading:
    """One jar of the image, and how many were in it."""

    def __init__(self, files: ImageFiles, node: Node) -> None:
        self._files = files
        self._node = node
        self._nested = 0

    def archive(self, file: BinaryIO, shown: str, depth: int) -> Iterator[Package | Unread]:
        try:
            with zipfile.ZipFile(cast("io.BufferedIOBase", _Bounded(file))) as archive:
                yield from self._entries(archive, shown, depth)
        except _DAMAGED as problem:
            yield Unread(self._node.path, f"{_within(shown)} cannot be read: {problem}")

    def _entries(
        self, archive: zipfile.ZipFile, shown: str, depth: int
    ) -> Iterator[Package | Unread]:
        entries = archive.infolist()
        poms = [entry for entry in entries if _POM.fullmatch(entry.filename)]
        found = [self._pom(archive, pom) for pom in poms]
        named = [package for package in found if package is not None]
        yield from named or self._manifest(archive, shown)
        for entry in entries:
            if entry.filename.endswith(_ENDINGS) and not entry.is_dir():
                yield from self._inner(archive, entry, f"{shown}!{entry.filename}", depth + 1)

    def _inner(
        self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, shown: str, depth: int
    ) -> Iterator[Package | Unread]:
        self._nested += 1
        if depth > _DEPTH or self._nested > _NESTED_COUNT:
            yield Unread(self._node.path, f"{_within(shown)} is one jar in another too many")
            return
        data = self._content(archive, entry, _NESTED_BYTES)
        yield from self.archive(io.BytesIO(data), shown, depth)

    def _content(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
        """What an entry holds, whatever it claims. Raises TooLargeError."""
        with archive.open(entry) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise TooLargeError(f"{entry.filename} has more than {limit} bytes")
        self._files.spend(len(data))
        return data

    def _pom(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Package | None:
        """Properties (java.util.Properties) of Maven: groupId, artifactId, version."""
        text = self._content(archive, entry, _RECORD_BYTES).decode("utf-8", "replace")
        lines = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
        fields = {name.strip(): value.strip() for name, _, value in lines}
        group, name, version = (
            fields.get(field, "") for field in ("groupId", "artifactId", "version")
        )
        return self._package(group, name, version) if group and name and version else None

    def _manifest(self, archive: zipfile.ZipFile, shown: str) -> Iterator[Package | Unread]:
        stem = posixpath.splitext(posixpath.basename(shown))[0]
        by_name = _NAME.match(stem)
        fields = self._main_attributes(archive)
        version = (
            fields.get("Implementation-Version")
            or fields.get("Bundle-Version")
            or (by_name[2] if by_name else "")
        )
        if version:
            name = by_name[1] if by_name else stem
            yield self._package(fields.get("Implementation-Vendor-Id", ""), name, version)
        else:
            yield Unread(self._node.path, f"{_within(shown)} says no version")

    def _main_attributes(self, archive: zipfile.ZipFile) -> dict[str, str]:
        """Of the JAR file specification's manifest: a line that begins with a space goes on."""
        try:
            entry = archive.getinfo(_MANIFEST)
        except KeyError:
            return {}
        text = self._content(archive, entry, _RECORD_BYTES).decode("utf-8", "replace")
        main = re.sub(r"\r\n?", "\n", text).partition("\n\n")[0].replace("\n ", "")
        lines = (line.partition(":") for line in main.splitlines())
        return {name: value.strip() for name, _, value in lines}

    def _package(self, group: str, name: str, version: str) -> Package:
        full = f"{group}:{name}" if group else name
        return Package(
            name=full,
            version=version,
            source=full,
            source_version=version,
            files=(self._node.path,),
            ecosystem=_ECOSYSTEM,
            purl=purl.make(_ECOSYSTEM, f"{group}/{name}" if group else name, version),
            recorded_in=self._node.path,
        )


def _within(shown: str) -> str:
    """The jar in the jar; the outer one is named already."""
    return shown.partition("!")[2] or "it"
