"""By which names, versions and releases OSV's data is about the packages of an image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dock2uk.errors import Dock2ukError
from dock2uk.packages import Inventory, inventory
from tests.packages import databases
from tests.packages.test_vulnerabilities import (
    ENTRIES,
    OPENSSL,
    before,
    database,
    looked_up,
    record,
    shown,
    written,
)
from tests.unit.trees import Entry, tree


@pytest.fixture(scope="module")
def bill() -> Inventory:
    return inventory(tree(ENTRIES))


def test_distributions_are_looked_up_by_source_and_release(bill: Inventory, tmp_path: Path) -> None:
    records = [
        record("DEBIAN-CVE-1", "Debian:12", "openssl", before("3.0.13-1"), upstream=["CVE-1"]),
        record("DEBIAN-CVE-2", "Debian:12", "openssl", before("3.0.11-1"), upstream=["CVE-2"]),
        record("DEBIAN-CVE-3", "Debian:11", "openssl", before("9"), upstream=["CVE-3"]),
        record("DEBIAN-CVE-4", "Debian:12", "libssl3", before("9"), upstream=["CVE-4"]),
        # The binary is 1:2.38.1-5+b1; data is about the source's 2.38.1-5.
        record("DEBIAN-CVE-5", "Debian:12", "util-linux", before("2.38.1-5+deb12u1")),
        record("DSA-1", "Debian:12", "openssl", before("3.0.12"), upstream=["CVE-1", "CVE-6"]),
        record("DEBIAN-CVE-7", "Debian:12", "openssl", before("9"), withdrawn="2024-02-01"),
    ]
    found = looked_up(bill, database=database(tmp_path, {"Debian": records}))
    assert shown(found) == {
        ("CVE-1", "libssl3"), ("DEBIAN-CVE-5", "bsdutils"), ("CVE-6", "libssl3"),
    }  # fmt: skip
    first = next(one for one in found.findings if one.id == "CVE-1")
    assert first.aliases == ("DEBIAN-CVE-1",)
    assert first.fixed == ("3.0.13-1", "3.0.12")


@pytest.mark.parametrize(
    ("ecosystem", "name", "version", "is_affected"),
    [
        ("PyPI", "flask", "2.2", True),  # PEP 440: the same as 2.2.0
        ("PyPI", "flask", "2.2.0.post1", False),
        ("Packagist", "symfony/http-kernel", "v5.4.0", True),
        ("Packagist", "symfony/http-kernel", "v5.4.1", False),
        ("Go", "github.com/A/b/v2", "2.0.0", True),
    ],
)
def test_a_version_is_listed_in_whatever_way_it_is_written(
    tmp_path: Path, ecosystem: str, name: str, version: str, is_affected: bool
) -> None:
    vendor = {"packages": [{"name": "symfony/http-kernel", "version": "v5.4.0"}]}
    image = {**ENTRIES, "/app/vendor/composer/installed.json": json.dumps(vendor)}
    made = record("GHSA-1", ecosystem, name, [])
    made["affected"][0] |= {"ranges": [], "versions": ["0.1", "not a version", version]}
    found = looked_up(inventory(tree(image)), database=database(tmp_path, {ecosystem: [made]}))
    assert bool(found.findings) is is_affected


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ('"PyPI", "name": "Flask"', "flask"),
        ('"npm", "name": "@babel\\/core"', "@babel/core"),
        ('"npm", "name": "\\u0040babel/core"', "@babel/core"),
        ('"npm", "name": "@Babel/core"', None),
        ('"npm", "name": "@babel\\qcore", "also": {"name": "@babel/core"}', None),
    ],
)
def test_a_name_is_known_in_every_spelling(
    bill: Inventory, tmp_path: Path, text: str, package: str | None
) -> None:
    events = '[{"introduced": "0"}]'
    affected = f'{{"package": {{"ecosystem": {text}}}, "ranges": [{{"type": "X", "events": []}}, '
    affected += f'{{"type": "ECOSYSTEM", "events": {events}}}]}}'
    directory = tmp_path / text.split('"')[1]
    directory.mkdir()
    written(directory / "x.json", f'{{"id": "X-1", "affected": [{affected}]}}')
    if "\\q" in text:
        with pytest.raises(Dock2ukError):
            looked_up(bill, database=tmp_path)
        return
    assert shown(looked_up(bill, database=tmp_path)) == ({("X-1", package)} if package else set())


@pytest.mark.parametrize(("withdrawn", "is_told"), [(None, True), ("2024-02-01T00:00:00Z", False)])
def test_a_record_is_withdrawn_on_a_day(
    bill: Inventory, tmp_path: Path, withdrawn: str | None, is_told: bool
) -> None:
    made = record("GHSA-1", "PyPI", "flask", before("9"), withdrawn=withdrawn)
    found = looked_up(bill, database=database(tmp_path, {"PyPI": [made]}))
    assert bool(found.findings) is is_told


@pytest.mark.parametrize("release", ["22.04", "24.10"])
def test_ubuntu_has_suffixes_after_the_release(tmp_path: Path, release: str) -> None:
    image = tree(
        {
            "/etc/os-release": f"ID=ubuntu\nVERSION_ID={release}\n",
            **databases.dpkg(OPENSSL, libssl3=["/x"]),
        }
    )
    records = [
        record("UBUNTU-1", f"Ubuntu:{release}", "openssl", before("9")),
        record("UBUNTU-2", f"Ubuntu:{release}:LTS", "openssl", before("9")),
        record("UBUNTU-3", f"Ubuntu:Pro:{release}:LTS", "openssl", before("9")),
        record("UBUNTU-4", "Ubuntu:20.04:LTS", "openssl", before("9")),
    ]
    found = looked_up(inventory(image), database=database(tmp_path, {"Ubuntu": records}))
    assert [one.id for one in found.findings] == ["UBUNTU-1", "UBUNTU-2", "UBUNTU-3"]


def test_alpine_by_its_release_and_rpm_by_its_own_name(tmp_path: Path) -> None:
    apk = "P:libcrypto3\nV:3.3.0-r1\no:openssl\nF:lib\nR:x\n\n"
    alpine = inventory(tree({**databases.ALPINE, "/lib/apk/db/installed": apk}))
    blob = databases.rpm_blob("openssl-libs", "3.0.7", "24.el9", ["/x"])
    rocky = inventory(
        tree(
            {
                "/etc/os-release": "ID=rocky\nVERSION_ID=9.3\n",
                "/var/lib/rpm/rpmdb.sqlite": databases.rpm_sqlite(blob),
            }
        )
    )
    directory = database(
        tmp_path,
        {
            "Alpine": [record("ALPINE-1", "Alpine:v3.20", "openssl", before("3.3.1-r0"))],
            "Rocky Linux": [
                record("RLSA-1", "Rocky Linux:9", "openssl-libs", before("3.0.7-25.el9"))
            ],
        },
    )
    assert shown(looked_up(alpine, database=directory)) == {("ALPINE-1", "libcrypto3")}
    assert shown(looked_up(rocky, database=directory)) == {("RLSA-1", "openssl-libs")}


RPMS = [
    ('ID="sles"\nVERSION_ID="15.5"\n', "SUSE", "SUSE:Linux Enterprise Server 15 SP5"),
    ('ID="opensuse-leap"\nVERSION_ID="15.5"\n', "openSUSE", "openSUSE:Leap 15.5"),
    ('ID="rocky"\nVERSION_ID="9.4"\n', "Rocky Linux", "Rocky Linux:9"),
    ('ID="almalinux"\nVERSION_ID="9.4"\n', "AlmaLinux", "AlmaLinux:9"),
    ('ID="rhel"\nVERSION_ID="9.4"\n', "Red Hat", "Red Hat:enterprise_linux:9::baseos"),
    ("ID=mageia\nVERSION_ID=9\n", "Mageia", "Mageia:9"),
    ("ID=azurelinux\nVERSION_ID=3.0\n", "Azure Linux", "Azure Linux:3"),
]


@pytest.mark.parametrize(("release", "directory", "ecosystem"), RPMS)
def test_an_rpm_is_looked_up_by_its_source_and_by_its_own_name(
    tmp_path: Path, release: str, directory: str, ecosystem: str
) -> None:
    """Each with its own version; of the source's epoch nothing is recorded."""
    made_of = {1044: ["perl-5.32.1-481.src.rpm"]}  # RPMTAG_SOURCERPM
    blob = databases.rpm_blob("perl-Carp", "1.50", "460", ["/x"], made_of)
    image = tree(
        {"/etc/os-release": release, "/var/lib/rpm/rpmdb.sqlite": databases.rpm_sqlite(blob)}
    )
    records = [
        record("SOURCE", ecosystem, "perl", before("4:5.32.1-482")),
        record("SOURCE-MENDED", ecosystem, "perl", before("4:5.32.1-481")),
        record("OWN", ecosystem, "perl-Carp", before("1.51")),
        record("OWN-MENDED", ecosystem, "perl-Carp", before("1.50-460")),
    ]
    found = looked_up(inventory(image), database=database(tmp_path, {directory: records}))
    assert shown(found) == {("SOURCE", "perl-Carp"), ("OWN", "perl-Carp")}
    assert found.no_data == ()


def test_by_both_names_it_is_one_finding(tmp_path: Path) -> None:
    blob = databases.rpm_blob(
        "openssl-libs", "3.0.7", "24.el9", ["/x"], {1044: ["openssl-3.0.7-24.el9.src.rpm"]}
    )
    image = tree(
        {"/etc/os-release": RPMS[3][0], "/var/lib/rpm/rpmdb.sqlite": databases.rpm_sqlite(blob)}
    )
    made = record("ALSA-1", "AlmaLinux:9", "openssl", before("1:3.0.7-25.el9"))
    of_libs = record("ALSA-1", "AlmaLinux:9", "openssl-libs", before("1:3.0.7-25.el9"))
    made["affected"] += of_libs["affected"]
    found = looked_up(inventory(image), database=database(tmp_path, {"AlmaLinux": [made]}))
    assert [(one.id, one.fixed) for one in found.findings] == [("ALSA-1", ("1:3.0.7-25.el9",))]


@pytest.mark.parametrize(
    ("release", "stated", "said"),
    [
        ("ID=debian\nVERSION_ID=12\n", "Debian:12", None),
        ("ID=debian\nVERSION_ID=14\n", "Debian:12", "osv/Debian has no record of release 14"),
        ("ID=debian\nVERSION_CODENAME=sid\n", "Debian:12", "does not say of which release"),
        ("ID=debian\nVERSION_CODENAME=sid\n", "Debian", "does not say of which release"),
        ("ID=alpine\nVERSION_ID=3.22.0_alpha20250108\n", "Alpine:v3.20", "has no record of rel"),
        ("ID=alpine\nVERSION_ID=3.20.1\n", "Alpine:v3.20", None),
        ("ID=wolfi\nVERSION_ID=20230201\n", "Wolfi", None),
    ],
)
def test_a_release_without_records_is_no_data(
    tmp_path: Path, release: str, stated: str, said: str | None
) -> None:
    apk = "P:libssl3\nV:3.0.11-r1\no:openssl\nF:lib\nR:x\n\n"
    is_debian = stated.startswith("Debian")
    packages: dict[str, Entry] = (
        databases.dpkg(OPENSSL, libssl3=["/x"]) if is_debian else {"/lib/apk/db/installed": apk}
    )
    made = record("X-1", stated, "other", before("9"))
    directory = database(tmp_path, {stated.partition(":")[0]: [made]})
    found = looked_up(inventory(tree({"/etc/os-release": release, **packages})), database=directory)
    assert [one.packages[0].split()[0] for one in found.no_data] == (["libssl3"] if said else [])
    assert all(said in one.because for one in found.no_data if said)
