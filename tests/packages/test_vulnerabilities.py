"""What scanners' reports and OSV's data say of the packages of an image."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dock2uk.errors import Dock2ukError
from dock2uk.packages import Inventory, crates, inventory
from dock2uk.vulnerabilities import Severity, Vulnerabilities, cvss, match, read, read_reports
from tests.packages import databases
from tests.unit.trees import Entry, program, tree

OPENSSL = "Package: libssl3\nVersion: 3.0.11-1\nSource: openssl\nArchitecture: amd64\n"
EPOCH = "Package: bsdutils\nVersion: 1:2.38.1-5+b1\nSource: util-linux (2.38.1-5)\n"
SITE = "/usr/lib/python3/site-packages"
ENTRIES: dict[str, Entry] = {
    **databases.DEBIAN,
    **databases.dpkg(
        OPENSSL, EPOCH, libssl3=["/usr/lib/libssl.so.3"], bsdutils=[f"{SITE}/six.egg-info"]
    ),
    f"{SITE}/six.egg-info": "Name: six\nVersion: 1.16\n",
    f"{SITE}/flask.dist-info/METADATA": "Name: Flask\nVersion: 2.2.0\n",
    "/app/node_modules/@babel/core/package.json": json.dumps(
        {"name": "@babel/core", "version": "7.1.0"}
    ),
    "/bin/app": program(
        "/bin/app", databases.go_program("go1.21.3", "dep\tgithub.com/A/b/v2\tv2.0.0\n\n\n")
    ),
}


@pytest.fixture(scope="module")
def bill() -> Inventory:
    return inventory(tree(ENTRIES))


def written(path: Path, document: Any) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def looked_up(bill: Inventory, *reports: Path, database: Path | None = None) -> Vulnerabilities:
    found = match(bill, read(reports, database))
    assert found is not None
    return found


def shown(found: Vulnerabilities) -> set[tuple[str, str]]:
    """Vulnerability and package."""
    return {(one.id, one.package.name if one.package else "?") for one in found.findings}


# ------------------------------------------------------------------ reports


def grype_match(id_: str, purl: str, **more: Any) -> dict[str, Any]:
    vulnerability = {
        "id": id_,
        "severity": "High",
        "fix": {"versions": ["3.0.13-1"], "state": "fixed"},
    }
    name, _, version = purl.partition("?")[0].rpartition("/")[2].partition("@")
    artifact = {"name": name, "version": version, "type": "deb", "purl": purl}
    return {
        "vulnerability": vulnerability,
        "relatedVulnerabilities": [],
        "artifact": artifact,
    } | more


def grype(*matches: dict[str, Any]) -> dict[str, Any]:
    return {
        "matches": list(matches),
        "source": {"type": "image", "target": {"imageID": "sha256:1"}},
        "descriptor": {"name": "grype", "version": "0.116.0"},
    }


def trivy(*vulnerabilities: dict[str, Any]) -> dict[str, Any]:
    return {
        "SchemaVersion": 2,
        "Metadata": {"ImageID": "sha256:1"},
        "Results": [{"Class": "os-pkgs"}, {"Vulnerabilities": list(vulnerabilities)}],
    }


@pytest.mark.parametrize(
    ("purl", "name"),
    [
        ("pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl", "libssl3"),
        ("pkg:deb/debian/bsdutils@2.38.1-5%2Bb1?epoch=1", "bsdutils"),
        ("pkg:deb/debian/bsdutils@1:2.38.1-5%2Bb1", "bsdutils"),
        ("pkg:pypi/Flask@2.2.0", "flask"),
        ("pkg:npm/%40babel/core@7.1.0", "@babel/core"),
        ("pkg:golang/github.com/a/b/v2@v2.0.0", "github.com/A/b/v2"),
        ("pkg:golang/github.com/A/b@v2.0.0#v2", "github.com/A/b/v2"),
        ("pkg:golang/stdlib@1.21.3", "stdlib"),
        ("pkg:deb/debian/libssl3@3.0.12-1", "?"),
    ],
)
def test_a_claim_is_joined_by_purl_without_qualifiers(
    bill: Inventory, tmp_path: Path, purl: str, name: str
) -> None:
    report = written(tmp_path / "grype.json", grype(grype_match("CVE-1", purl)))
    assert shown(looked_up(bill, report)) == {("CVE-1", name)}


def test_without_purl_name_and_version_join(bill: Inventory, tmp_path: Path) -> None:
    claim = {"VulnerabilityID": "CVE-1", "PkgName": "libssl3", "InstalledVersion": "3.0.11-1"}
    assert shown(looked_up(bill, written(tmp_path / "t", trivy(claim)))) == {("CVE-1", "libssl3")}


def test_two_scanners_that_say_the_same_are_one_finding(bill: Inventory, tmp_path: Path) -> None:
    purl = "pkg:deb/debian/libssl3@3.0.11-1"
    related = [{"id": "CVE-2024-1"}]
    of_grype = grype(grype_match("GHSA-x", purl, relatedVulnerabilities=related))
    of_trivy = trivy(
        {
            "VulnerabilityID": "CVE-2024-1", "PkgIdentifier": {"PURL": f"{purl}?arch=amd64"},
            "FixedVersion": "3.0.13-1, 3.0.14-1", "Severity": "LOW",
        }
    )  # fmt: skip
    reports = [written(tmp_path / name, one) for name, one in (("g", of_grype), ("t", of_trivy))]
    (found,) = looked_up(bill, *reports).findings
    assert (found.id, found.aliases, found.severity) == ("CVE-2024-1", ("GHSA-x",), Severity.HIGH)
    assert found.fixed == ("3.0.13-1", "3.0.14-1")
    assert found.sources == ("grype: g", "trivy: t")


@pytest.mark.parametrize("is_grype_first", [True, False])
def test_the_worst_severity_counts_whoever_is_read_first(
    bill: Inventory, tmp_path: Path, is_grype_first: bool
) -> None:
    purl = "pkg:deb/debian/libssl3@3.0.11-1"
    worse = {"VulnerabilityID": "CVE-1", "PkgIdentifier": {"PURL": purl}, "Severity": "CRITICAL"}
    reports = [
        written(tmp_path / "g", grype(grype_match("CVE-1", purl))),
        written(tmp_path / "t", trivy(worse, worse | {"Severity": "UNKNOWN"})),
    ]
    (found,) = looked_up(bill, *(reports if is_grype_first else reports[::-1])).findings
    assert found.severity is Severity.CRITICAL


def test_what_grype_says_of_exploitation_is_read(bill: Inventory, tmp_path: Path) -> None:
    purl = "pkg:deb/debian/libssl3@3.0.11-1"
    mild = grype_match("CVE-2024-1", purl)
    mild["vulnerability"] |= {
        "severity": "Low", "risk": 50.1,
        "epss": [{"cve": "CVE-2024-1", "epss": 0.94321, "percentile": 0.99, "date": "2026-01-01"}],
        "knownExploited": [{"cve": "CVE-2024-1", "dateAdded": "2026-01-01"}],
    }  # fmt: skip
    odd = grype_match("CVE-2024-2", purl)
    odd["vulnerability"]["epss"] = [
        {"cve": "CVE-2024-2", "epss": True},
        {"cve": "CVE-9", "epss": 1},
    ]
    advisory = grype_match(
        "GHSA-x", purl,
        relatedVulnerabilities=[{"id": "CVE-2024-3", "epss": [{"cve": "CVE-2024-3", "epss": 0.5}]}],
    )  # fmt: skip
    made = written(tmp_path / "g", grype(odd, advisory, mild))
    also = written(tmp_path / "t", trivy({
        "VulnerabilityID": "CVE-2024-1", "PkgIdentifier": {"PURL": purl}, "Severity": "LOW",
    }))  # fmt: skip
    found = looked_up(bill, also, made).findings
    said = [(one.id, one.exploitation.is_known, one.exploitation.epss) for one in found]
    assert said == [
        ("CVE-2024-1", True, 0.94321), ("CVE-2024-2", False, None), ("CVE-2024-3", False, 0.5),
    ]  # fmt: skip


def test_an_advisory_about_several_is_several_findings(bill: Inventory, tmp_path: Path) -> None:
    purl = "pkg:deb/debian/libssl3@3.0.11-1"
    related = [{"id": "CVE-2024-1"}, {"id": "CVE-2024-2"}]
    made = grype(grype_match("RHSA-1", purl, relatedVulnerabilities=related))
    names = shown(looked_up(bill, written(tmp_path / "g", made)))
    assert names == {("CVE-2024-1", "libssl3"), ("CVE-2024-2", "libssl3")}


STRIPPED: dict[str, Entry] = databases.DEBIAN
BERKELEY: dict[str, Entry] = {
    "/etc/os-release": "ID=rhel\nVERSION_ID=8\n", "/var/lib/rpm/Packages": "old",
}  # fmt: skip
UNLISTED: dict[str, Entry] = {
    **databases.DEBIAN, "/var/lib/dpkg/status": OPENSSL + "Status: install ok installed\n",
}  # fmt: skip
NAMELESS = "/app/x.dist-info/METADATA"


@pytest.mark.parametrize(
    ("entries", "claimed", "unread"),
    [
        (STRIPPED, None, ["/var/lib/dpkg/status"]),
        (STRIPPED, [], ["/var/lib/dpkg/status"]),
        (STRIPPED, ["pkg:pypi/flask@2.2.0"], ["/var/lib/dpkg/status"]),
        (BERKELEY, None, ["/var/lib/rpm/Packages"]),
        (BERKELEY, [], ["/var/lib/rpm/Packages"]),
        (BERKELEY, ["pkg:rpm/redhat/bash@5.1-9"], []),  # the scanner has read it
        ({}, None, ["/"]),
        ({}, [], ["/"]),
        ({}, ["pkg:generic/openssl@3.0.1"], []),
        (UNLISTED, None, []),  # the packages are known, their files are not
        (ENTRIES | {NAMELESS: "Name: x\n"}, None, [NAMELESS]),
        (ENTRIES | {NAMELESS: "Name: x\n"}, [], []),
    ],
)
def test_what_nobody_has_read_is_told(
    tmp_path: Path, entries: dict[str, Entry], claimed: list[str] | None, unread: list[str]
) -> None:
    """By a scanner's report, or where that is None by OSV's data alone."""
    bill = inventory(tree(entries))
    if claimed is None:
        found = looked_up(bill, database=database(tmp_path, {"npm": [], "Go": []}))
    else:
        made = grype(*(grype_match("CVE-1", purl) for purl in claimed))
        found = looked_up(bill, written(tmp_path / "g", made))
    assert [one.path for one in found.unread] == unread


def test_a_report_says_where_it_comes_from(tmp_path: Path) -> None:
    (report,) = read_reports([written(tmp_path / "g.json", grype())])
    source = report.source
    assert (source.kind, source.name, source.version) == ("grype", "g.json", "0.116.0")
    assert (source.image, len(source.sha256)) == ("sha256:1", 64)


@pytest.mark.parametrize("content", ["", "[", "[]", "{}", '{"matches": 1}', "\0"])
def test_what_is_no_report_is_an_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(Dock2ukError):
        read_reports([written(tmp_path / "x", content)])
    with pytest.raises(Dock2ukError):
        read_reports([tmp_path / "not-there"])


@pytest.mark.parametrize(
    "matches", [[1, None, "x"], [{}], [{"vulnerability": {"id": 3}}], [{"artifact": []}]]
)
def test_entries_of_odd_shapes_are_passed_over(tmp_path: Path, matches: list[Any]) -> None:
    document = {"matches": matches}
    (report,) = read_reports([written(tmp_path / "g", document)])
    assert report.claims == ()


# ------------------------------------------------------------------ OSV


def record(
    id_: str, ecosystem: str, name: str, events: list[dict[str, str]], **more: Any
) -> dict[str, Any]:
    package = {"ecosystem": ecosystem, "name": name}
    kind = "SEMVER" if ecosystem in ("npm", "Go") else "ECOSYSTEM"
    affected = {"package": package, "ranges": [{"type": kind, "events": events}]}
    return {"id": id_, "modified": "2024-01-01T00:00:00Z", "affected": [affected]} | more


def database(directory: Path, records: Mapping[str, list[dict[str, Any]]]) -> Path:
    """The first ecosystem as JSON files, the others as archives."""
    for number, (ecosystem, found) in enumerate(records.items()):
        place = directory / "osv" / ecosystem
        place.mkdir(parents=True)
        if number == 0:
            for one in found:
                written(place / f"{one['id']}.json", one)
            continue
        with zipfile.ZipFile(place / "all.zip", "w") as archive:
            for one in found:
                archive.writestr(f"{one['id']}.json", json.dumps(one))
    return directory / "osv"


def before(version: str) -> list[dict[str, str]]:
    return [{"introduced": "0"}, {"fixed": version}]


def test_languages_are_looked_up_by_name(bill: Inventory, tmp_path: Path) -> None:
    records = {
        "PyPI": [
            record("GHSA-1", "PyPI", "flask", before("2.2.5"), aliases=["CVE-1"]),
            record("GHSA-2", "PyPI", "six", before("9")),  # Debian's, so Debian's data counts
        ],
        "npm": [record("GHSA-3", "npm", "@babel/core", before("7.2.0"))],
        "Go": [
            record("GO-1", "Go", "stdlib", [{"introduced": "1.21.0-0"}, {"fixed": "1.21.4"}]),
            record("GO-2", "Go", "github.com/A/b/v2", before("2.0.0")),
        ],
    }
    found = looked_up(bill, database=database(tmp_path, records))
    assert shown(found) == {("CVE-1", "flask"), ("GHSA-3", "@babel/core"), ("GO-1", "stdlib")}
    assert [one.ecosystem for one in found.no_data] == ["deb"]
    assert "no directory Debian" in found.no_data[0].because


@pytest.mark.parametrize(
    ("events", "fixed"),
    [
        ([{"introduced": "0"}], ()),
        ([{"introduced": "2.2.0"}], ()),
        ([{"introduced": "2.2.1"}], None),
        ([{"introduced": "0"}, {"last_affected": "2.2.0"}], ()),
        ([{"introduced": "0"}, {"last_affected": "2.1.9"}], None),
        ([{"introduced": "0"}, {"fixed": "2.2"}], None),
        ([{"fixed": "2.3"}, {"introduced": "2.0"}, {"fixed": "1.5"}, {"introduced": "1.0"}],
         ("2.3",)),
        ([{"introduced": "1.0"}, {"fixed": "2.0"}, {"introduced": "2.3"}], None),
        ([{"introduced": "0"}, {"fixed": "not a version"}], ()),
        ([], None),
    ],
)  # fmt: skip
def test_a_version_is_affected_between_its_events(
    bill: Inventory, tmp_path: Path, events: list[dict[str, str]], fixed: tuple[str, ...] | None
) -> None:
    directory = database(tmp_path, {"PyPI": [record("GHSA-1", "PyPI", "flask", events)]})
    found = looked_up(bill, database=directory).findings
    assert [one.fixed for one in found] == ([] if fixed is None else [fixed])


def test_a_version_that_is_listed_is_affected(bill: Inventory, tmp_path: Path) -> None:
    made = record("GHSA-1", "PyPI", "flask", [])
    made["affected"][0] = {"package": made["affected"][0]["package"], "versions": ["2.2.0"]}
    assert looked_up(bill, database=database(tmp_path, {"PyPI": [made]})).findings


def test_a_version_without_order_is_no_data(tmp_path: Path) -> None:
    odd = inventory(tree({f"{SITE}/a.dist-info/METADATA": "Name: a\nVersion: what\n"}))
    directory = database(tmp_path, {"PyPI": [record("GHSA-1", "PyPI", "b", before("9"))]})
    (missing,) = looked_up(odd, database=directory).no_data
    assert missing.packages == ("a what",)


WORST = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({"database_specific": {"severity": "MODERATE"}}, Severity.MEDIUM),
        ({"severity": [{"type": "CVSS_V3", "score": WORST}]}, Severity.CRITICAL),
        ({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}]}, Severity.UNKNOWN),
        ({}, Severity.UNKNOWN),
    ],
)  # fmt: skip
def test_severity(
    bill: Inventory, tmp_path: Path, more: dict[str, Any], severity: Severity
) -> None:
    made = record("GHSA-1", "PyPI", "flask", before("9"), **more)
    (found,) = looked_up(bill, database=database(tmp_path, {"PyPI": [made]})).findings
    assert found.severity is severity


@pytest.mark.parametrize(
    ("vector", "score"),
    [  # FIRST, CVSS v3.1 examples
        ("AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),  # CVE-2013-0375
        ("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5),  # CVE-2014-0160
        ("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),  # CVE-2014-6271
        ("AV:N/AC:L/PR:N/UI:R/S:C/C:H/I:H/A:H", 9.6),  # CVE-2012-5376
        ("AV:A/AC:L/PR:N/UI:N/S:C/C:H/I:N/A:H", 9.3),  # CVE-2013-6014
        ("AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L", 4.2),  # CVE-2009-0783
        ("AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
    ],
)
def test_scores_are_first_s(vector: str, score: float) -> None:
    assert cvss.base_score(f"CVSS:3.1/{vector}") == score


@pytest.mark.parametrize("vector", ["", "CVSS:3.1/AV:N", "CVSS:3.1/AV:X/S:U", "AV:N/AC:L/Au:N"])
def test_what_is_no_vector_has_no_score(vector: str) -> None:
    assert cvss.base_score(vector) is None


@pytest.mark.parametrize(
    "content",
    ['{"name": "flask"', '[{"name": "flask"}]', '{"name": "flask"}', '{"id": 1, "name": "flask"}'],
)
def test_a_damaged_database_is_an_error_and_not_silence(
    bill: Inventory, tmp_path: Path, content: str
) -> None:
    directory = tmp_path / "PyPI"
    directory.mkdir()
    written(directory / "x.json", content)
    with pytest.raises(Dock2ukError):
        looked_up(bill, database=tmp_path)


def test_a_directory_without_data_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "PyPI").mkdir()
    for directory in (tmp_path, tmp_path / "not-there"):
        with pytest.raises(Dock2ukError):
            read((), directory)


def test_nothing_given_is_nothing_known(bill: Inventory) -> None:
    assert read((), None) is None
    assert match(bill, None) is None


def test_many_vulnerabilities_of_one_package_take_no_time(bill: Inventory, tmp_path: Path) -> None:
    """Those of a kernel's headers are thousands."""
    purl = "pkg:deb/debian/libssl3@3.0.11-1"
    made = grype(*(grype_match(f"CVE-{number}", purl) for number in range(5000)))
    assert len(looked_up(bill, written(tmp_path / "g", made)).findings) == 5000


def test_what_the_runtime_brings_is_looked_up_too(bill: Inventory, tmp_path: Path) -> None:
    known = [record("RUSTSEC-1", "crates.io", "tcp-stack", before("0.2.0"))]
    directory = database(tmp_path, {"crates.io": known})
    runtime = crates([("tcp-stack", "0.1.2"), ("tcp-stack", "0.2.0")])
    found = match(bill, read([], directory), runtime)
    assert found is not None
    of_runtime = [one for one in found.findings if one.package in runtime]
    assert [(one.id, one.named) for one in of_runtime] == [
        ("RUSTSEC-1", "pkg:cargo/tcp-stack@0.1.2")
    ]


def test_a_scanner_s_silence_is_not_about_the_runtime(bill: Inventory, tmp_path: Path) -> None:
    directory = database(tmp_path, {"npm": [], "Go": []})
    known = read([written(tmp_path / "g", grype())], directory)
    found = match(bill, known, crates([("tcp-stack", "0.1.2")]))
    assert found is not None
    assert [(one.ecosystem, one.packages) for one in found.no_data] == [
        ("cargo", ("tcp-stack 0.1.2",))
    ]
