"""Modules of Go programs, from the build information that Go's linker puts into ELF files
(debug/buildinfo, runtime/debug ParseBuildInfo), in the format since Go 1.18.

`stdlib` is Go's own library, with the version of the compiler. What was built without modules has
that alone. A program whose build information was taken out is not known to be Go's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Node, Package
from . import purl
from .elf_data import go_build_data
from .image_files import ImageFiles
from .values import Unread

_ECOSYSTEM = "golang"
_MAGIC = b"\xff Go buildinf:"
_ALIGNMENT, _HEADER_BYTES, _FLAGS_AT, _IS_INLINE = 16, 32, 15, 2
_MARK_BYTES = 16  # of random bytes before and after the modules
_VERSION = re.compile(r"\bgo([0-9]+\.[0-9]+(?:\.[0-9]+)?(?:(?:rc|beta)[0-9]+)?)")
_DEVELOPMENT = "(devel)"  # the version of a main module that nobody tagged


@dataclass(frozen=True, slots=True)
class Module:
    path: str
    version: str


def is_record(node: Node) -> bool:
    return node.size >= 64 and bool(node.mode & 0o111 or node.path.endswith(".so"))


def read(files: ImageFiles, node: Node) -> Iterator[Package | Unread]:
    """The modules that are linked into a program; none for what is not Go's."""
    if node.content is None:
        return
    with node.content.open() as file:
        data = go_build_data(file)
    at = _position(data)
    if at is None:
        return
    files.spend(len(data))
    if not data[at + _FLAGS_AT] & _IS_INLINE:
        yield Unread(node.path, "a program of Go before 1.18, whose modules are not read")
        return
    version, end = _string(data, at + _HEADER_BYTES)
    modules, _ = _string(data, end)
    if not version:
        yield Unread(node.path, "its build information is damaged")
        return
    for module in (*_standard_library(version), *_modules(modules)):
        yield _package(module, node)


def _position(data: bytes) -> int | None:
    at = data.find(_MAGIC)
    while at >= 0 and at % _ALIGNMENT:
        at = data.find(_MAGIC, at + 1)
    return at if 0 <= at <= len(data) - _HEADER_BYTES else None


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    """Length as a varint (encoding/binary, Uvarint), then so many bytes; empty where that lies
    outside of the data."""
    length = shift = 0
    while at < len(data) and shift < 63:
        byte = data[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            end = at + length
            return (data[at:end], end) if end <= len(data) else (b"", len(data))
    return b"", len(data)


def _standard_library(version: bytes) -> Iterator[Module]:
    found = _VERSION.search(version.decode("ascii", "replace"))
    if found is not None:
        yield Module("stdlib", found[1])


def _modules(data: bytes) -> Iterator[Module]:
    """`mod` and `dep` lines; `=>` says what came instead of the one before."""
    if len(data) > 2 * _MARK_BYTES and data[-_MARK_BYTES - 1] == ord("\n"):
        data = data[_MARK_BYTES:-_MARK_BYTES]
    waiting: Module | None = None
    for line in data.decode("utf-8", "replace").splitlines():
        kind, *words = line.split("\t")
        if kind not in ("mod", "dep", "=>") or not words or not words[0]:
            continue
        if waiting is not None and kind != "=>":
            yield waiting
        waiting = Module(words[0], words[1] if len(words) > 1 else "")
    if waiting is not None:
        yield waiting


def _package(module: Module, node: Node) -> Package:
    version = module.version
    return Package(
        name=module.path,
        version=version or _DEVELOPMENT,
        source=module.path,
        source_version=version or _DEVELOPMENT,
        files=(node.path,),
        ecosystem=_ECOSYSTEM,
        purl=purl.make(_ECOSYSTEM, module.path, version if version != _DEVELOPMENT else ""),
        recorded_in=node.path,
    )
