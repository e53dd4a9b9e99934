"""Package databases made for a test, byte by byte where the format is binary."""

from __future__ import annotations

import io
import sqlite3
import struct
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import closing

from dock2uk.packages import rpm_header

DEBIAN = {"/etc/os-release": 'ID=debian\nVERSION_ID="12"\n'}
ALPINE = {"/etc/os-release": "ID=alpine\nVERSION_ID=3.20.1\n"}
FEDORA = {"/etc/os-release": "ID=fedora\nVERSION_ID=40\n"}

RpmTags = Mapping[int, Sequence[str] | Sequence[int]]


def dpkg(*stanzas: str, **lists: Sequence[str]) -> dict[str, str]:
    """A status file of these stanzas, each without its Status line; `lists` are files by package,
    with two underscores for a colon."""
    text = "\n".join(
        stanza if "Status:" in stanza else f"{stanza}Status: install ok installed\n"
        for stanza in stanzas
    )
    named = {name.replace("__", ":").replace("_", "-"): paths for name, paths in lists.items()}
    return {"/var/lib/dpkg/status": text} | {
        f"/var/lib/dpkg/info/{name}.list": "".join(f"{path}\n" for path in ("/.", *paths))
        for name, paths in named.items()
    }


def rpm_blob(
    name: str, version: str, release: str, files: Sequence[str], more: RpmTags | None = None
) -> bytes:
    """A header with what every package has; `more` adds tags or replaces them."""
    directories = sorted({file.rpartition("/")[0] + "/" for file in files})
    indexes = [directories.index(file.rpartition("/")[0] + "/") for file in files]
    tags: dict[int, Sequence[str] | Sequence[int]] = {
        rpm_header.NAME: [name],
        rpm_header.VERSION: [version],
        rpm_header.RELEASE: [release],
        rpm_header.ARCHITECTURE: ["x86_64"],
        rpm_header.SOURCE_PACKAGE: [f"{name}-{version}-{release}.src.rpm"],
        rpm_header.DIRECTORY_NAMES: directories,
        rpm_header.DIRECTORY_INDEXES: indexes,
        rpm_header.BASE_NAMES: [file.rpartition("/")[2] for file in files],
        **(more or {}),
    }
    entries, data = b"", b""
    for tag, values in sorted(tags.items()):
        if values and isinstance(values[0], int):
            data += b"\0" * (-len(data) % 4)
            kind, packed = 4, struct.pack(f">{len(values)}I", *values)
        else:
            kind, packed = 8, b"".join(str(value).encode() + b"\0" for value in values)
        entries += struct.pack(">iIiI", tag, kind, len(data), len(values))
        data += packed
    return struct.pack(">II", len(entries) // 16, len(data)) + entries + data


def rpm_sqlite(*blobs: bytes, is_logged: bool = False) -> bytes:
    """rpmdb.sqlite as rpm makes it; `is_logged` with the marks of write-ahead logging."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(one,) for one in blobs])
        connection.commit()
        data = bytearray(connection.serialize())
    if is_logged:
        data[18:20] = b"\2\2"
    return bytes(data)


def rpm_ndb(*blobs: bytes) -> bytes:
    """Packages.db: one page of slots, then blobs at multiples of 16 bytes."""
    slots, data = b"", b""
    for index, blob in enumerate(blobs, start=1):
        block = struct.pack("<4s3I", b"BlbS", index, 0, len(blob)) + blob
        block += b"\0" * (-len(block) % 16)
        at = (4096 + len(data)) // 16
        slots += struct.pack("<4s3I", b"Slot", index, at, len(block) // 16)
        data += block
    empty = struct.pack("<4s3I", b"Slot", 0, 0, 0)
    head = struct.pack("<4s7I", b"RpmP", 0, 1, 1, len(blobs) + 1, 0, 0, 0) + slots
    return head + empty * ((4096 - len(head)) // 16) + data


def go_program(version: str, modules: str, *, has_sections: bool = True) -> bytes:
    """An ELF file with Go's build information, as the linker since 1.18 writes it."""
    marked = b"\x30" * 16 + modules.encode() + b"\x31" * 16 if modules else b""
    information = (b"\xff Go buildinf:" + b"\x08\x02").ljust(32, b"\0")
    information += _string(version.encode()) + _string(marked)
    names = b"\0.shstrtab\0.go.buildinfo\0"
    data_at, names_at = 128, 128 + len(information)
    sections_at = names_at + len(names)
    segment = struct.pack("<IIQQQQQQ", 1, 6, data_at, 0, 0, len(information), len(information), 1)
    sections = bytes(64) + _section(1, names_at, len(names))
    sections += _section(11, data_at, len(information))
    count = 3 if has_sections else 0
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, sections_at if count else 0, 0, 64, 56, 1, 64, count,
        1 if count else 0,
    )  # fmt: skip
    return (head + segment).ljust(128, b"\0") + information + names + sections


def _string(data: bytes) -> bytes:
    length, size = b"", len(data)
    while size >= 0x80:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return length + bytes([size]) + data


def _section(name: int, offset: int, size_bytes: int) -> bytes:
    return struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, offset, size_bytes, 0, 0, 1, 0)


def jar(entries: Mapping[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return made.getvalue()


def pom(group: str, name: str, version: str) -> dict[str, str]:
    return {
        f"META-INF/maven/{group}/{name}/pom.properties": (
            f"#Generated by Maven\nversion={version}\ngroupId={group}\nartifactId={name}\n"
        )
    }
