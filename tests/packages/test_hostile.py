"""Nothing that an image holds ends the reading, and nothing unread is silently nothing."""

from __future__ import annotations

import random
import sqlite3
import struct
import time
from contextlib import closing
from pathlib import Path

import pytest

from dock2uk.ingest import read_image
from dock2uk.packages import inventory, rpm_header
from dock2uk.progress import Silent
from tests.packages import databases
from tests.unit.trees import Entry, program, tree

FIXTURES = Path(__file__).resolve().parents[2] / "build/fixtures"

BLOBS = [databases.rpm_blob(name, "1", "2", [f"/usr/bin/{name}"]) for name in ("a", "b", "c")]
RECORDS: dict[str, bytes] = {
    "/var/lib/dpkg/status": b"Package: a\nVersion: 1\nStatus: install ok installed\n",
    "/lib/apk/db/installed": b"P:a\nV:1\nF:bin\nR:a\n\n",
    "/var/lib/rpm/rpmdb.sqlite": databases.rpm_sqlite(*BLOBS),
    "/var/lib/rpm/Packages.db": databases.rpm_ndb(*BLOBS),
    "/usr/lib/a.dist-info/METADATA": b"Name: a\nVersion: 1\n",
    "/x/node_modules/a/package.json": b'{"name": "a", "version": "1"}',
    "/x/a.jar": databases.jar(databases.pom("g", "a", "1")),
    "/x/specifications/a.gemspec": b's.name = "a"\ns.version = "1"\n',
    "/x/composer/installed.json": b'[{"name": "a/b", "version": "1"}]',
    "/x/program": databases.go_program("go1.21.0", "dep\ta\tv1\n\n\n"),
}
NOT_DAMAGE = {"/x/program"}  # an ELF file without build information records nothing


def entry(path: str, data: bytes) -> dict[str, Entry]:
    return {path: program(path, data)}


@pytest.mark.parametrize("path", RECORDS)
def test_whole_each_records_a_package(path: str) -> None:
    found = inventory(tree(entry(path, RECORDS[path])))
    assert found.packages


@pytest.mark.parametrize("path", RECORDS)
def test_damage_never_ends_the_reading(path: str) -> None:
    """Cut, overwritten and changed in random places; the seed is fixed."""
    chance = random.Random(path)
    whole = RECORDS[path]
    for _ in range(150):
        data = bytearray(whole[: chance.randrange(1, len(whole) + 1)])
        for _ in range(chance.randrange(8)):
            data[chance.randrange(len(data))] = chance.choice((0, 0xFF, chance.randrange(256)))
        inventory(tree(entry(path, bytes(data))))


@pytest.mark.parametrize("path", sorted(RECORDS.keys() - NOT_DAMAGE))
@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"{}", b"\xff" * 5000, b"["])
def test_what_says_nothing_is_a_finding(path: str, data: bytes) -> None:
    found = inventory(tree({**entry(path, data), **databases.DEBIAN}))
    assert not found.packages
    assert found.unread


@pytest.mark.parametrize(
    ("release", "place"),
    [
        (databases.DEBIAN, "/var/lib/dpkg/status"),
        (databases.ALPINE, "/lib/apk/db/installed"),
        (databases.FEDORA, "/usr/lib/sysimage/rpm/rpmdb.sqlite"),
        ({"/etc/os-release": "ID=custom\nID_LIKE='suse opensuse'\n"}, "/usr/lib/sysimage/rpm"),
    ],
)
def test_a_distribution_without_its_database_is_a_finding(
    release: dict[str, Entry], place: str
) -> None:
    (missing,) = inventory(tree(release)).unread
    assert missing.path.startswith(place)


def test_another_distribution_s_database_does_not_stand_for_its_own() -> None:
    found = inventory(tree({**databases.DEBIAN, "/var/lib/rpm/Packages": "old"}))
    assert {one.path for one in found.unread} == {"/var/lib/rpm/Packages", "/var/lib/dpkg/status"}


def test_an_image_of_no_distribution_misses_nothing() -> None:
    assert inventory(tree({"/app": "x"})).unread == ()


def test_too_large_a_database_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in RECORDS.keys() - NOT_DAMAGE:
        with monkeypatch.context() as patched:
            for limit in ("image_files._TOTAL_BYTES", "jars._JAR_BYTES"):
                patched.setattr(f"dock2uk.packages.{limit}", 3)
            found = inventory(tree(entry(path, RECORDS[path])))
        assert found.unread, path
        assert not found.packages, path


@pytest.mark.parametrize(
    "schema",
    [
        "CREATE VIEW Packages AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT i AS hnum, 'x' AS blob FROM n",
        "CREATE TABLE Packages (hnum INTEGER)",
        "CREATE TABLE Other (x)",
    ],
)
def test_a_database_that_is_a_program_is_not_run(schema: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(schema)
        connection.commit()
        data = connection.serialize()
    begin = time.monotonic()
    found = inventory(tree(entry("/var/lib/rpm/rpmdb.sqlite", data)))
    assert found.unread
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize(
    "header",
    [
        b"",
        struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFFF),
        struct.pack(">II", 1, 4) + struct.pack(">iIiI", 1000, 6, -1, 1) + b"abc\0",
        struct.pack(">II", 1, 4) + struct.pack(">iIiI", 1000, 6, 0, 0xFFFFFFFF) + b"abc\0",
        struct.pack(">II", 1, 4) + struct.pack(">iIiI", 1000, 4, 0, 2) + b"abc\0",
        struct.pack(">II", 1, 3) + struct.pack(">iIiI", 1000, 6, 0, 1) + b"abc",
        struct.pack(">II", 1, 4) + struct.pack(">iIiI", 1000, 77, 0, 1) + b"abc\0",
    ],
)
def test_a_header_that_contradicts_itself_is_refused(header: bytes) -> None:
    with pytest.raises(rpm_header.DamagedHeaderError):
        rpm_header.read(header)
    whole = databases.rpm_blob("whole", "1", "1", ["/x"])
    found = inventory(
        tree(entry("/var/lib/rpm/rpmdb.sqlite", databases.rpm_sqlite(header or b"\0", whole)))
    )
    assert [package.name for package in found.packages] == ["whole"]
    assert found.unread


def test_slots_that_share_a_package_are_refused() -> None:
    large = databases.rpm_blob("a", "1", "2", [f"/{number:0400}" for number in range(40)])
    made = databases.rpm_ndb(large, large)
    slot = made[32:48]
    found = inventory(tree(entry("/var/lib/rpm/Packages.db", made[:32] + slot * 100 + made[1632:])))
    assert "over each other" in found.unread[0].because


@pytest.mark.parametrize("name", ["nginx", "postgres"])
def test_a_sample_image_takes_less_than_a_second(name: str) -> None:
    tree_of_image = read_image(f"oci:{FIXTURES / name}", Silent()).tree
    begin = time.process_time()
    found = inventory(tree_of_image)
    assert time.process_time() - begin < 1
    assert len(found.packages) > 100
    assert found.unread == ()
