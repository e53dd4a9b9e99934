"""SPDX, OpenVEX and in-toto: as their specifications say, with report.json's numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from packageurl import PackageURL
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from test_report import document  # noqa: F401 - a fixture
from test_report_formats import full  # noqa: F401 - a fixture

from dock2uk import report_options
from dock2uk.errors import Dock2ukError
from dock2uk.report.formats import FORMATS

# OpenVEX 0.2.0, § "The VEX Document" and § "The VEX Statement": what is written here.
COMPONENT = {
    "type": "object",
    "required": ["@id"],
    "properties": {"@id": {"type": "string", "format": "uri", "pattern": "^[a-z]+:"}},
}
OPENVEX = {
    "type": "object",
    "additionalProperties": False,
    "required": ["@context", "@id", "author", "timestamp", "version", "statements"],
    "properties": {
        "@context": {"const": "https://openvex.dev/ns/v0.2.0"},
        "@id": {"type": "string", "pattern": "^urn:"},
        "author": {"type": "string", "minLength": 1},
        "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "version": {"type": "integer", "minimum": 1},
        "tooling": {"type": "string"},
        "statements": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["vulnerability", "products", "status"],
                "properties": {
                    "vulnerability": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"type": "string"}, "aliases": {"type": "array"}},
                    },
                    "products": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            **COMPONENT,
                            "properties": {
                                **COMPONENT["properties"],  # type: ignore[dict-item]
                                "subcomponents": {"type": "array", "items": COMPONENT},
                            },
                        },
                    },
                    "status": {
                        "enum": ["not_affected", "affected", "fixed", "under_investigation"]
                    },
                    "justification": {
                        "enum": [
                            "component_not_present", "vulnerable_code_not_present",
                            "vulnerable_code_not_in_execute_path",
                            "vulnerable_code_cannot_be_controlled_by_adversary",
                            "inline_mitigations_already_exist",
                        ]
                    },
                    "impact_statement": {"type": "string"},
                },
                # A product that is not affected needs a reason.
                "if": {"properties": {"status": {"const": "not_affected"}}},
                "then": {"required": ["justification"]},
                "else": {"not": {"required": ["justification"]}},
            },
        },
    },
}  # fmt: skip
DIGEST = {"type": "object", "required": ["sha256"], "properties": {
    "sha256": {"pattern": "^[0-9a-f]{64}$"}}}  # fmt: skip
# in-toto Statement v1 (spec/v1/statement.md), SLSA provenance v1 (slsa.dev/spec/v1.0/provenance).
STATEMENT = {
    "type": "object",
    "required": ["_type", "subject", "predicateType", "predicate"],
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "predicateType": {"const": "https://slsa.dev/provenance/v1"},
        "subject": {
            "type": "array", "minItems": 1,
            "items": {"required": ["digest"], "properties": {"digest": DIGEST}},
        },
        "predicate": {
            "type": "object",
            "required": ["buildDefinition", "runDetails"],
            "properties": {
                "buildDefinition": {
                    "required": ["buildType", "externalParameters"],
                    "properties": {
                        "buildType": {"pattern": "^[a-z]+:"},
                        "externalParameters": {"type": "object"},
                        "resolvedDependencies": {
                            "items": {
                                "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}],
                                "properties": {"digest": DIGEST, "uri": {"pattern": "^[a-z]+:"}},
                            }
                        },
                    },
                },
                "runDetails": {
                    "required": ["builder"],
                    "properties": {
                        "builder": {
                            "required": ["id"],
                            "properties": {"id": {"pattern": "^[a-z]+:"}},
                        }
                    },
                },
            },
        },
    },
}  # fmt: skip


@pytest.fixture
def found(full: dict[str, Any]) -> dict[str, Any]:  # noqa: F811
    """With vulnerabilities of packages that have a purl, and one of something that has none."""
    base = full["vulnerabilities"]["found"][0] | {"package": "pkg:deb/debian/lib@1"}
    states = ("removed", "partially kept", "kept")
    rows = [base | {"id": f"CVE-{n}", "state": state, "aliases": ["GHSA-1"]}
            for n, state in enumerate(states)]  # fmt: skip
    return full | {"vulnerabilities": full["vulnerabilities"] | {
        "found": [*rows, base | {"package": "nameless"}]}}  # fmt: skip


def test_openvex_says_what_is_known_and_no_more(found: dict[str, Any]) -> None:
    vex = json.loads(FORMATS["openvex"](found))
    jsonschema.validate(vex, OPENVEX)
    said = [(one["status"], one.get("justification")) for one in vex["statements"]]
    assert said == [
        ("not_affected", "component_not_present"),
        ("under_investigation", None), ("under_investigation", None), ("under_investigation", None),
    ]  # fmt: skip
    products = {one["products"][0]["@id"] for one in vex["statements"]}
    assert products == {f"pkg:oci/app@{found['source']['digest']}"}
    parts = [one["products"][0].get("subcomponents") for one in vex["statements"]]
    assert parts == [[{"@id": "pkg:deb/debian/lib@1"}]] * 3 + [None]


def test_what_the_runtime_brings_is_said_of_the_unikernel(found: dict[str, Any]) -> None:
    crate = "pkg:cargo/tcp-stack@0.1.2"
    one = found["vulnerabilities"]["found"][0] | {"state": "new with the runtime", "package": crate}
    report = found | {"vulnerabilities": found["vulnerabilities"] | {"found": [one]}}
    vex = json.loads(FORMATS["openvex"](report))
    jsonschema.validate(vex, OPENVEX)
    [statement] = vex["statements"]
    [product] = statement["products"]
    made = PackageURL.from_string(product["@id"])
    assert (made.type, made.name) == ("generic", "unikernel.elf")
    assert made.qualifiers == {"checksum": f"sha256:{found['artifact']['sha256']}"}
    assert product["subcomponents"] == [{"@id": crate}]
    assert statement["status"] == "under_investigation"


def test_openvex_is_for_known_vulnerabilities(full: dict[str, Any], tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(Dock2ukError, match="no OpenVEX"):
        FORMATS["openvex"](full | {"vulnerabilities": None})
    output = report_options.Output("openvex", tmp_path / "vex.json")
    none = full | {"vulnerabilities": {"found": []}}
    assert report_options.write([output], none) == [
        f"{output.path} is not written: OpenVEX has nothing to say: no vulnerability is known"
    ]
    assert not output.path.exists()
    with pytest.raises(Dock2ukError, match="no data"):
        report_options.require_data([output], has_vulnerabilities=False)


def test_spdx_is_as_the_specification_says(full: dict[str, Any], tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "bill.spdx.json"
    path.write_text(FORMATS["spdx"](full))
    spdx = parse_file(str(path))
    assert [one.validation_message for one in validate_full_spdx_document(spdx)] == []
    assert len(spdx.packages) == 2 + len(full["packages"]) + len(full["runtime"]["components"])
    kept = sum(1 for one in full["packages"] if one["state"] != "removed")
    of_unikernel = [
        one for one in spdx.relationships
        if one.spdx_element_id == "SPDXRef-unikernel" and one.relationship_type.name == "CONTAINS"
    ]  # fmt: skip
    assert len(of_unikernel) == kept + len(full["runtime"]["components"])


def test_a_package_whose_files_nobody_knows_is_never_said_to_be_gone(
    full: dict[str, Any],  # noqa: F811
) -> None:
    unknown = full["packages"][0] | {
        "state": "unknown", "name": "unlisted", "purl": "pkg:pypi/unlisted@1",
        "files": 0, "files_kept": 0, "kept": [],
    }  # fmt: skip
    found = full["vulnerabilities"]["found"][0] | {"package": unknown["purl"], "state": "unknown"}
    report = full | {
        "packages": [unknown],
        "vulnerabilities": full["vulnerabilities"] | {"found": [found]},
    }
    bill = json.loads(FORMATS["cyclonedx"](report))
    assert bill["dependencies"][1]["dependsOn"] == [bill["components"][0]["bom-ref"]]
    assert bill["vulnerabilities"][0]["analysis"] == {"state": "in_triage"}
    spdx = json.loads(FORMATS["spdx"](report))
    assert {
        "spdxElementId": "SPDXRef-unikernel", "relationshipType": "CONTAINS",
        "relatedSpdxElement": "SPDXRef-package-0",
    } in spdx["relationships"]  # fmt: skip
    [statement] = json.loads(FORMATS["openvex"](report))["statements"]
    assert statement["status"] == "under_investigation"
    assert "Packages that are not removed (1)" in FORMATS["md"](report)
    assert "unlisted 1: its files are not known" in FORMATS["md"](
        report | {"packages": [unknown | {"version": "1"}]}
    )
    assert "not known</td>" in FORMATS["html"](report)


def test_provenance_names_what_it_was_made_from(full: dict[str, Any]) -> None:  # noqa: F811
    statement = json.loads(FORMATS["intoto"](full))
    jsonschema.validate(statement, STATEMENT)
    assert statement["subject"][0]["digest"]["sha256"] == full["artifact"]["sha256"]
    image = statement["predicate"]["buildDefinition"]["resolvedDependencies"][0]
    assert f"sha256:{image['digest']['sha256']}" == full["source"]["digest"]
    assert PackageURL.from_string(image["uri"]).name == "app"


def test_provenance_says_how_it_was_asked_for_and_which_library_was_linked(
    full: dict[str, Any],  # noqa: F811
) -> None:
    options = {"bake": True, "machine": None, "env": ["TOKEN=***"], "user": "www-data"}
    report = full | {"options": options}
    definition = json.loads(FORMATS["intoto"](report))["predicate"]["buildDefinition"]
    assert options.items() <= definition["externalParameters"].items()
    library = definition["resolvedDependencies"][1]
    assert library["digest"]["sha256"] == full["runtime"]["library"]["sha256"]
    older = report | {"runtime": {"name": "husk", "version": "1", "components": []}}
    assert (
        "digest"
        not in json.loads(FORMATS["intoto"](older))["predicate"]["buildDefinition"][
            "resolvedDependencies"
        ][1]
    )


MANIFEST_DIGEST, INDEX_DIGEST = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def of_registry(report: dict[str, Any]) -> dict[str, Any]:
    return report | {
        "source": report["source"] | {
            "reference": "team/App:1", "name": "nginx", "repository": "docker.io/library/nginx",
            "manifest_digests": [MANIFEST_DIGEST, INDEX_DIGEST],
        }
    }  # fmt: skip


def matches(general: str, specific: str) -> bool:
    """How go-vex compares what a statement names with what a scanner found (PurlMatches)."""
    ours, theirs = PackageURL.from_string(general), PackageURL.from_string(specific)
    is_same = (ours.type, ours.namespace, ours.name) == (theirs.type, theirs.namespace, theirs.name)
    is_version = not ours.version or ours.version == theirs.version
    return is_same and is_version and ours.qualifiers.items() <= theirs.qualifiers.items()


def test_an_image_of_a_registry_is_named_by_its_manifest(full: dict[str, Any]) -> None:  # noqa: F811
    report = of_registry(full)
    named = f"pkg:oci/nginx@{MANIFEST_DIGEST}?repository_url=index.docker.io/library/nginx"
    bill = json.loads(FORMATS["cyclonedx"](report))
    assert bill["metadata"]["component"]["purl"] == named
    [image] = [one for one in json.loads(FORMATS["spdx"](report))["packages"]
               if one["SPDXID"] == "SPDXRef-image"]  # fmt: skip
    assert image["externalRefs"][0]["referenceLocator"] == named
    statement = json.loads(FORMATS["intoto"](report))
    source = statement["predicate"]["buildDefinition"]["resolvedDependencies"][0]
    assert source == {"uri": named, "digest": {"sha256": "a" * 64}}


@pytest.mark.parametrize(
    "scanned",
    [
        "pkg:oci/nginx@{}?repository_url=index.docker.io%2Flibrary",  # grype
        "pkg:oci/nginx@{}?arch=amd64&repository_url=index.docker.io%2Flibrary%2Fnginx",  # trivy
    ],
)
def test_scanners_find_the_product_by_manifest_and_by_index(
    found: dict[str, Any], scanned: str
) -> None:
    vex = json.loads(FORMATS["openvex"](of_registry(found)))
    jsonschema.validate(vex, OPENVEX)
    for statement in vex["statements"]:
        for digest in (MANIFEST_DIGEST, INDEX_DIGEST):
            named = scanned.format(digest)
            assert any(matches(one["@id"], named) for one in statement["products"])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        # What syft and trivy write of one package.
        (
            "pkg:deb/debian/libssl3@3.0.15-1?arch=amd64&distro=debian-12",
            ["pkg:deb/debian/libssl3@3.0.15-1?arch=amd64&distro=debian-12&upstream=openssl",
             "pkg:deb/debian/libssl3@3.0.15-1?arch=amd64&distro=debian-12.9"],
        ),
        (
            "pkg:deb/debian/bsdutils@1:2.38.1-5%2Bb1?arch=amd64&distro=debian-12",
            ["pkg:deb/debian/bsdutils@1%3A2.38.1-5%2Bb1?arch=amd64&distro=debian-12",
             "pkg:deb/debian/bsdutils@2.38.1-5%2Bb1?arch=amd64&distro=debian-12.9&epoch=1"],
        ),
        (
            "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.1",
            ["pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.1",
             "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=3.20.1"],
        ),
        (
            "pkg:rpm/almalinux/perl@5.32-1?arch=x86_64&distro=almalinux-9.3&epoch=4&upstream=p.src",
            ["pkg:rpm/almalinux/perl@5.32-1?arch=x86_64&distro=almalinux-9.3&epoch=4&upstream=p.src",
             "pkg:rpm/alma/perl@5.32-1?arch=x86_64&distro=alma-9.3&epoch=4"],
        ),
        (
            "pkg:rpm/redhat/bash@5.1-9?arch=x86_64&distro=rhel-9.3&epoch=0",
            ["pkg:rpm/redhat/bash@5.1-9?arch=x86_64&distro=rhel-9.3&epoch=0",
             "pkg:rpm/redhat/bash@5.1-9?arch=x86_64&distro=redhat-9.3"],
        ),
        ("pkg:pypi/six@1.16", ["pkg:pypi/six@1.16"]),
    ],
)  # fmt: skip
def test_packages_are_found_as_each_scanner_writes_them(
    found: dict[str, Any], ours: str, theirs: list[str]
) -> None:
    one = found["vulnerabilities"]["found"][0] | {"package": ours}
    report = found | {"vulnerabilities": found["vulnerabilities"] | {"found": [one]}}
    [statement] = json.loads(FORMATS["openvex"](report))["statements"]
    parts = [part["@id"] for part in statement["products"][0]["subcomponents"]]
    assert all(any(matches(part, scanned) for part in parts) for scanned in theirs)
    other = ours.replace("@", "-other@")
    assert not any(matches(part, other) for part in parts)


def test_what_cannot_be_named_is_not_said_of_the_whole_image(found: dict[str, Any]) -> None:
    one = found["vulnerabilities"]["found"][0] | {"package": "", "state": "removed"}
    report = found | {"vulnerabilities": found["vulnerabilities"] | {"found": [one]}}
    [statement] = json.loads(FORMATS["openvex"](report))["statements"]
    assert statement["status"] == "under_investigation"


def test_a_path_of_this_machine_is_no_repository(full: dict[str, Any]) -> None:  # noqa: F811
    source = full["source"] | {
        "reference": "docker-archive:/home.x/u:ser/a/web.tar", "name": "web.tar",
        "repository": None, "manifest_digests": [],
    }  # fmt: skip
    report = full | {"source": source}
    for name in ("cyclonedx", "spdx", "intoto"):
        assert "repository_url" not in FORMATS[name](report)
        assert f"pkg:oci/web.tar@{source['digest']}" in FORMATS[name](report)


@pytest.mark.parametrize(
    ("created", "epoch", "time"),
    [
        (None, "", "1970-01-01T00:00:00Z"),
        ("2026-01-02T03:04:05.678901234Z", "", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05+02:00", "", "2026-01-02T01:04:05Z"),
        ("yesterday", "", "1970-01-01T00:00:00Z"),
        ("2026-01-02T03:04:05Z", "86400", "1970-01-02T00:00:00Z"),
    ],
)
def test_the_time_is_given_and_never_now(
    full: dict[str, Any],  # noqa: F811
    created: str | None, epoch: str, time: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    report = full | {"source": full["source"] | {"created": created}}
    assert json.loads(FORMATS["spdx"](report))["creationInfo"]["created"] == time
