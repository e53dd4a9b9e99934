"""dpkg, apk and rpm: what their databases say, with their own tools as judges where they are."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dock2uk.ingest import read_image
from dock2uk.model import Package
from dock2uk.packages import Inventory, inventory, rpm_header
from dock2uk.packages.rpm_database import sqlite_headers
from dock2uk.progress import Silent
from tests.packages import databases
from tests.unit.trees import Entry, Link, tree

FIXTURES = Path(__file__).resolve().parents[2] / "build/fixtures"


def read(*entries: Mapping[str, Entry]) -> Inventory:
    return inventory(tree({path: one for some in entries for path, one in some.items()}))


def only(found: Inventory) -> Package:
    (package,) = found.packages
    return package


DASH = "Package: dash\nVersion: 1:0.5\nArchitecture: amd64\n"


def test_dpkg_s_package_with_the_version_of_its_source() -> None:
    stanza = f"{DASH}Source: shells (0.4-2)\nDepends: gone\n"
    files: dict[str, Entry] = {"/usr/bin/dash": "", "/usr": None}
    package = only(read(databases.DEBIAN, databases.dpkg(stanza, dash=["/usr", *files]), files))
    assert (package.name, package.version, package.architecture) == ("dash", "1:0.5", "amd64")
    assert (package.source, package.source_version) == ("shells", "0.4-2")
    assert package.purl == "pkg:deb/debian/dash@1:0.5?arch=amd64&distro=debian-12"
    assert "/usr/bin/dash" in package.files
    assert package.depends == ()


def test_paths_are_those_of_the_image_where_directories_are_links() -> None:
    links: dict[str, Entry] = {"/usr/bin/dash": "", "/bin": Link("usr/bin"), "/usr/bin/sh": "x"}
    found = read(databases.dpkg(DASH, dash=["/bin", "/bin/dash", "/bin/./sh"]), links)
    assert set(only(found).files) == {"/", "/bin", "/usr/bin/dash", "/usr/bin/sh"}
    assert found.contents == {"/usr/bin/dash", "/usr/bin/sh"}


def test_a_diverted_file_is_where_it_was_diverted_to() -> None:
    other = "Package: other\nVersion: 1\n"
    lists = databases.dpkg(DASH, other, dash=["/bin/sh"], other=["/bin/sh"])
    diversions = {"/var/lib/dpkg/diversions": "/bin/sh\n/bin/sh.distrib\ndash\n"}
    dash, displaced = read(lists, diversions).packages
    assert "/bin/sh" in dash.files
    assert "/bin/sh.distrib" in displaced.files


@pytest.mark.parametrize(
    ("status", "is_there"),
    [
        ("install ok installed", True),
        ("hold ok installed", True),
        ("install ok unpacked", True),
        ("install ok half-configured", True),
        ("deinstall ok config-files", False),
        ("purge ok not-installed", False),
    ],
)
def test_states_in_which_files_are_there(status: str, is_there: bool) -> None:
    found = read(databases.dpkg(f"{DASH}Status: {status}\n", dash=["/x"]))
    assert bool(found.packages) is is_there


def test_a_package_of_two_architectures_is_two() -> None:
    other = DASH.replace("amd64", "i386")
    found = read(databases.dpkg(DASH, other, dash__amd64=["/a"], dash__i386=["/b"]))
    assert [one.files for one in found.packages] == [("/", "/a"), ("/", "/b")]


def test_an_image_without_dpkg_has_status_d() -> None:
    directory = {
        "/var/lib/dpkg/status": "",
        "/var/lib/dpkg/status.d/libc6": "Package: libc6\nVersion: 2.36\nSource: glibc\n",
        "/var/lib/dpkg/status.d/libc6.md5sums": "00ff  lib/libc.so.6\n",
        "/var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 2024a\n",
    }
    found = read(databases.DEBIAN, directory)
    libc, tzdata = found.packages
    assert (libc.source, libc.files) == ("glibc", ("/lib/libc.so.6",))
    assert not tzdata.is_file_list_known
    assert "tzdata" in found.unread[0].because


# The other images are made of the same packages.
FIXTURE_NAMES = ("nginx", "postgres", "java-http", "php-fpm", "gunicorn", "musl-c")


@pytest.mark.parametrize("name", FIXTURE_NAMES)
def test_dpkg_query_says_the_same_of_every_sample_image(name: str, tmp_path: Path) -> None:
    source = read_image(f"oci:{FIXTURES / name}", Silent())
    status = source.tree.resolve("/var/lib/dpkg/status")
    found = inventory(source.tree)
    packages = [one for one in found.packages if one.ecosystem == "deb"]
    if status is None or status.content is None:
        assert not packages
        return
    (tmp_path / "status").write_bytes(status.content.read())
    (tmp_path / "info").mkdir()
    form = "${Package} ${Version} ${source:Package} ${source:Version} ${Architecture}\\n"
    command = ["dpkg-query", f"--admindir={tmp_path}", "-W", "-f", form]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ours = [
        f"{one.name} {one.version} {one.source} {one.source_version} {one.architecture}"
        for one in packages
    ]
    assert sorted(ours) == sorted(said.splitlines())
    assert found.unread == ()


APK = (
    "C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\no:musl-source\nT:libc\np:so:libc.musl.so.1=1\n"
    "F:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\nZ:Q1def=\nR:libc.so\nF:etc\n\n"
    "P:busybox\nV:1.36.1-r29\nA:x86_64\nD:so:libc.musl.so.1 !other>1\nF:\nR:top\nF:bin\nR:busybox\n"
)


@pytest.mark.parametrize("place", ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"])
def test_apk_s_packages(place: str) -> None:
    busybox, musl = read(databases.ALPINE, {place: APK, "/bin/busybox": ""}).packages
    assert (musl.version, musl.source, musl.depends) == ("1.2.5-r0", "musl-source", ())
    assert musl.files == ("/etc", "/lib", "/lib/ld-musl-x86_64.so.1", "/lib/libc.so")
    assert musl.purl == "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.1"
    assert busybox.depends == ("musl",)
    assert {"/top", "/bin/busybox"} <= set(busybox.files)


def test_one_database_of_two_names_is_read_once() -> None:
    names: dict[str, Entry] = {"/lib": Link("usr/lib"), "/usr/lib/apk/db/installed": APK}
    assert len(read(databases.ALPINE, names).packages) == 2


BASH = databases.rpm_blob(
    "bash", "5.2.26", "3.fc40", ["/usr/bin/bash", "/etc/bashrc", "/usr/share/lang"],
    {
        rpm_header.REQUIRES: ["libc.so.6()(64bit)", "/usr/bin/cat"],
        rpm_header.FILE_STATES: [0, 0, 2],
    },
)  # fmt: skip
GLIBC = databases.rpm_blob(
    "glibc", "2.39", "8.fc40", ["/lib64/libc.so.6"],
    {
        rpm_header.EPOCH: [2],
        rpm_header.PROVIDES: ["glibc", "libc.so.6()(64bit)"],
        rpm_header.SOURCE_PACKAGE: ["glibc-all-2.39-8.fc40.src.rpm"],
    },
)  # fmt: skip
COREUTILS = databases.rpm_blob("coreutils", "9.4", "6.fc40", ["/usr/bin/cat"])
KEY = databases.rpm_blob("gpg-pubkey", "a15b79cc", "63d04c2c", [])

PLACES: dict[str, Callable[..., bytes]] = {
    "/usr/lib/sysimage/rpm/rpmdb.sqlite": databases.rpm_sqlite,
    "/var/lib/rpm/rpmdb.sqlite": databases.rpm_sqlite,
    "/var/lib/rpm/Packages.db": databases.rpm_ndb,
}


@pytest.mark.parametrize("place", PLACES)
def test_rpm_s_packages(place: str) -> None:
    made = PLACES[place](BASH, GLIBC, COREUTILS, KEY)
    files: dict[str, Entry] = {"/lib64": Link("usr/lib64"), "/usr/lib64/libc.so.6": "", place: made}
    found = read(databases.FEDORA, files)
    bash, coreutils, glibc = found.packages
    assert bash.files == ("/etc/bashrc", "/usr/bin/bash")  # the third was not installed
    assert bash.depends == ("glibc", "coreutils")
    assert coreutils.purl == (
        "pkg:rpm/fedora/coreutils@9.4-6.fc40"
        "?arch=x86_64&distro=fedora-40&upstream=coreutils-9.4-6.fc40.src.rpm"
    )
    assert (glibc.version, glibc.files) == ("2:2.39-8.fc40", ("/usr/lib64/libc.so.6",))
    assert (glibc.source, glibc.source_version) == ("glibc-all", "2:2.39-8.fc40")
    assert found.unread == ()


def test_a_database_with_write_ahead_logging_is_read_and_its_log_named() -> None:
    place = "/var/lib/rpm/rpmdb.sqlite"
    made: dict[str, Entry] = {place: databases.rpm_sqlite(BASH, is_logged=True)}
    assert only(read(made)).name == "bash"
    found = read(made, {f"{place}-wal": b"x", f"{place}-shm": b"x"})
    assert [one.path for one in found.unread] == [f"{place}-wal"]


def test_berkeley_db_is_said_to_be_unread() -> None:
    found = read(databases.FEDORA, {"/var/lib/rpm/Packages": b"\0" * 4096})
    assert "Berkeley" in found.unread[0].because


SPEC = """
Name: sample
Version: 1.2~rc1
Release: 3
Epoch: 1
Summary: a sample
License: MIT
BuildArch: noarch
Requires: other
%description
A sample.
%install
mkdir -p %{buildroot}/usr/share/sample %{buildroot}/etc
touch %{buildroot}/usr/share/sample/a %{buildroot}/etc/sample.conf
%files
/usr/share/sample
/etc/sample.conf
"""


@pytest.mark.skipif(shutil.which("rpmbuild") is None, reason="rpm is not installed")
def test_rpm_says_the_same_of_a_database_it_made(tmp_path: Path) -> None:
    (tmp_path / "sample.spec").write_text(SPEC)
    top = ["--define", f"_topdir {tmp_path}/top", "--define", f"_tmppath {tmp_path}"]
    _run("rpmbuild", "-bb", *top, str(tmp_path / "sample.spec"))
    (made,) = tmp_path.glob("top/RPMS/*/*.rpm")
    root = ["--root", str(tmp_path / "root"), "--dbpath", "/var/lib/rpm"]
    (tmp_path / "root").mkdir()
    _run("rpm", *root, "-i", "--justdb", "--nodeps", "--ignorearch", "--nosignature", str(made))
    data = (tmp_path / "root/var/lib/rpm/rpmdb.sqlite").read_bytes()
    assert len(list(sqlite_headers(data))) == 1
    package = only(read({"/var/lib/rpm/rpmdb.sqlite": data}))
    form = "%{NAME} %{EPOCH}:%{VERSION}-%{RELEASE} %{ARCH} %{SOURCERPM}\\n"
    source = f"{package.source}-{package.source_version.removeprefix('1:')}.src.rpm"
    ours = f"{package.name} {package.version} {package.architecture} {source}\n"
    assert ours == _run("rpm", *root, "-q", "--qf", form, "sample")
    assert list(package.files) == sorted(_run("rpm", *root, "-ql", "sample").splitlines())


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout
