"""The headers that rpm's databases hold: rpmdb.sqlite, and SUSE's Packages.db ("ndb").

The third kind, Berkeley DB's `Packages` of old systems, is known by its name and not read.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing

DATABASE_BYTES = 256 << 20
HEADER_BYTES = 16 << 20  # of one package
_PACKAGES = 100_000

# sqlite.org/fileformat2.html § 1.3: 2 at bytes 18 and 19 is write-ahead logging, which a database
# in memory cannot have; 1 is the journal that nobody needs who only reads.
_SQLITE_MAGIC, _JOURNAL_VERSIONS = b"SQLite format 3\0", slice(18, 20)
_STEPS = 10_000_000  # of sqlite's virtual machine; a database of 10,000 packages takes some 10,000

# rpm's lib/backend/ndb/rpmpkg.c; little-endian.
_NDB_HEADER, _NDB_SLOT, _NDB_BLOB = (
    struct.Struct(layout) for layout in ("<4s4I", "<4s3I", "<4s3I")
)
_NDB_PAGE_BYTES, _NDB_BLOCK_BYTES, _NDB_FIRST_SLOT = 4096, 16, 32
_NDB_PAGES = 4096


class DamagedDatabaseError(Exception):
    """It is none, or contradicts itself."""


def sqlite_headers(data: bytes) -> Iterator[bytes]:
    """The blobs of the table Packages. Raises DamagedDatabaseError."""
    if not data.startswith(_SQLITE_MAGIC) or len(data) < 100:
        raise DamagedDatabaseError("it is no sqlite database")
    own = bytearray(data)
    own[_JOURNAL_VERSIONS] = b"\1\1"
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(bytes(own))
            _harden(connection)
            yield from _blobs(connection)
    # ValueError: the module decodes sqlite's messages, which quote the file.
    except (sqlite3.Error, MemoryError, ValueError) as problem:
        raise DamagedDatabaseError(f"sqlite says: {problem}") from problem


def _harden(connection: sqlite3.Connection) -> None:
    """sqlite.org/security.html, § "Untrusted SQLite database files"."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, HEADER_BYTES)
    connection.set_progress_handler(lambda: 1, _STEPS)  # called once in so many steps: ends it
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}")


def _blobs(connection: sqlite3.Connection) -> Iterator[bytes]:
    """Only of a table: a view can be a program."""
    kind = connection.execute("SELECT type FROM sqlite_master WHERE name = 'Packages'")
    if [row[0] for row in kind.fetchall()] != ["table"]:
        raise DamagedDatabaseError("it has no table Packages")
    rows = connection.execute("SELECT blob FROM Packages ORDER BY hnum LIMIT ?", (_PACKAGES,))
    for (blob,) in rows:
        yield blob if isinstance(blob, bytes) else b""


def ndb_headers(data: bytes) -> Iterator[bytes]:
    """The blobs that the slots of Packages.db point to. Raises DamagedDatabaseError."""
    if len(data) < _NDB_PAGE_BYTES:
        raise DamagedDatabaseError("it is cut short")
    magic, version, _, pages, _ = _NDB_HEADER.unpack_from(data)
    end = pages * _NDB_PAGE_BYTES
    if magic != b"RpmP" or version != 0 or not 0 < pages <= _NDB_PAGES or end > len(data):
        raise DamagedDatabaseError("it is no database of version 0")
    for offset in range(_NDB_FIRST_SLOT, end, _NDB_SLOT.size):
        magic, package, block, _ = _NDB_SLOT.unpack_from(data, offset)
        if magic != b"Slot":
            raise DamagedDatabaseError("a slot is none")
        if package:
            yield _ndb_blob(data, package, block * _NDB_BLOCK_BYTES)


def _ndb_blob(data: bytes, package: int, offset: int) -> bytes:
    begin = offset + _NDB_BLOB.size
    if begin > len(data):
        raise DamagedDatabaseError("a slot points outside of it")
    magic, owner, _, size_bytes = _NDB_BLOB.unpack_from(data, offset)
    is_inside = size_bytes <= min(len(data) - begin, HEADER_BYTES)
    if magic != b"BlbS" or owner != package or not is_inside:
        raise DamagedDatabaseError("a slot points to what is no package")
    return data[begin : begin + size_bytes]
