"""report.json: every number is what the two file systems hold, with its evidence."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from dock2uk.model import (
    Analysis,
    AppliedRecipe,
    Compared,
    Comparison,
    Drop,
    Entrypoint,
    Image,
    Keep,
    Node,
    NodeType,
    Origin,
    Package,
    PruneMode,
    Rootfs,
    Rule,
    StripMode,
    Stripping,
)
from dock2uk.packages import Gap, Unread, crates, inventory
from dock2uk.pipeline import REPORT_NAME, _write_json
from dock2uk.probes import parse
from dock2uk.report import Findings, build, secret_findings, summary
from dock2uk.report.document import _metric
from dock2uk.report.metrics import Metric
from dock2uk.report.reasons import reasons
from dock2uk.scenarios import SCENARIOS, Attempt, Record, Result, Step, judge, not_run
from dock2uk.secrets import Secret
from dock2uk.vulnerabilities import Exploitation, Finding, NoData, Severity, Source, Vulnerabilities
from dock2uk.vulnerability_figures import FIGURES
from tests import values
from tests.unit.trees import Entry, Link, program, tree

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/report.schema.json").read_text())

MANIFEST = "sha256:" + "a" * 64
APP = Origin("app")
BEFORE: dict[str, Entry] = {
    "/usr/bin/su": program("/usr/bin/su", mode=0o4755),
    "/usr/bin/wall": program("/usr/bin/wall", mode=0o2755),
    "/usr/bin/locked": program("/usr/bin/locked", mode=0o2644),
    "/usr/bin/dash": program("/usr/bin/dash"),
    "/usr/bin/sh": Link("dash"),
    "/usr/bin/apt-get": program("/usr/bin/apt-get"),
    "/app": program("/app", b"\x7fELF\x02\x01" + bytes(10) + b"\x02\x00\x3e\x00" + bytes(44)),
    "/etc/passwd": "root:x:0:0::/root:/bin/sh\nwww:x:33:33::/:/usr/sbin/nologin\n",
    "/etc/shadow": "root:$y$j9T$hash:1::::::\nwww:!:1::::::\n",
    "/tmp": Node("/tmp", NodeType.DIRECTORY, 0o1777, 0, 0, 0),
    "/open": Node("/open", NodeType.DIRECTORY, 0o777, 0, 0, 0),
    "/lib": Link("usr/lib"),
    "/usr/lib/x": "1",
    "/var/lib/dpkg/status": (
        "Package: lib\nStatus: install ok installed\nVersion: 1\n\n"
        "Package: dash\nStatus: install ok installed\nVersion: 2\n"
    ),
    "/var/lib/dpkg/info/lib.list": "/lib\n/lib/x\n/usr/bin/wall\n",
    "/var/lib/dpkg/info/dash.list": "/lib\n/usr/bin/dash\n",
    "/var/lib/rpm/Packages": "old",
}
AFTER = ("/", "/app", "/lib", "/usr", "/usr/lib", "/usr/lib/x")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return made(None)


def made(
    vulnerabilities: Vulnerabilities | None,
    entrypoint: Entrypoint | None = None,
    origin: Origin = APP,
    source: Image | None = None,
) -> dict[str, Any]:
    before = tree(BEFORE)
    nodes = tuple(node for node in before if node.path in AFTER)
    decisions = tuple(
        Keep(node.path, "needed") if node.path in AFTER else Drop(node.path, "not needed")
        for node in before
    )
    recipe = AppliedRecipe("app", "because", "did this", write_execute="it compiles")
    findings = Findings(
        image=values.image(tree=before, origin=origin),
        entrypoint=entrypoint or values.entrypoint(recipes=(recipe,)),
        analysis=Analysis({}, {}, (), ("could not tell",)),
        rootfs=Rootfs(nodes, decisions, (Keep("/etc/passwd", "rewritten"),)),
        artifact=values.artifact(),
        boot=None,
        stripping=Stripping(keep=(Rule("/app", "--keep /app"),)),
        comparison=Comparison("", (Compared(parse("http://:80/"), ("status: …",), ()),)),
        inventory=inventory(before),
        vulnerabilities=vulnerabilities,
        attempts=attempts(),
        source=source,
    )
    return build(findings)


def attempts() -> tuple[Attempt, ...]:
    """The first was blocked by absence, the second not, of the others nothing is known."""
    missing, through, *rest = SCENARIOS
    return (
        judge(missing, Record((Step("openat /x", -2),), status=0)),
        judge(through, Record((Step("execve /x"),), status=0)),
        *(not_run(scenario, "the guest had ended") for scenario in rest),
    )


def test_the_document_conforms_to_its_schema(document: dict[str, Any]) -> None:
    jsonschema.validate(document, SCHEMA)


def test_the_schema_knows_every_result_of_an_attack() -> None:
    known = SCHEMA["properties"]["scenarios"]["items"]["properties"]["result"]["enum"]
    assert known == [result.value for result in Result]


def test_the_schema_knows_every_mode() -> None:
    known = SCHEMA["properties"]["stripping"]["properties"]
    assert set(known["mode"]["enum"]) == {mode.value for mode in StripMode}
    assert set(known["prune"]["enum"]) == {mode.value for mode in PruneMode}


@pytest.mark.parametrize(
    ("metric", "before", "after"),
    [
        ("files", 13, 2),
        ("setuid", 1, 0),
        ("setgid", 1, 0),
        ("shells", 1, 0),
        ("package_managers", 1, 0),
        ("elf_executable", 1, 1),
        ("elf_library", 0, 0),
        ("world_writable", 1, 0),
        ("accounts", 2, 0),
        ("login_accounts", 1, 0),
        ("password_hashes", 1, 0),
        ("packages", 2, 1),
        ("kernel_bytes", None, 600),
        ("kernel_code", None, 300),
        ("archive_bytes", None, 400),
        ("system_calls", None, 1),
        ("drivers", 519, 1),
    ],
)
def test_each_metric_counts_what_its_definition_says(
    document: dict[str, Any], metric: str, before: int | None, after: int | None
) -> None:
    (found,) = [one for one in document["metrics"] if one["id"] == metric]
    assert (found["before"], found["after"]) == (before, after)


def test_figures_before_are_of_the_source() -> None:
    source = {path: entry for path, entry in BEFORE.items() if path != "/usr/bin/su"}
    changed = made(None, source=values.image(tree=tree(source)))
    counts = {one["id"]: one["before"] for one in changed["metrics"]}
    assert (counts["files"], counts["setuid"]) == (12, 0)


def test_drivers_are_held_against_a_kernel_that_is_named(document: dict[str, Any]) -> None:
    (drivers,) = [one for one in document["metrics"] if one["id"] == "drivers"]
    assert "linux-image-6.1.0-56-cloud-amd64 6.1.192-2" in drivers["definition"]
    counts = [int(line.split()[0]) for line in drivers["evidence"]["before"]]
    assert sum(counts) == drivers["before"]


def test_evidence_names_paths_with_mode_and_owner(document: dict[str, Any]) -> None:
    (setuid,) = [one for one in document["metrics"] if one["id"] == "setuid"]
    assert setuid["evidence"] == {
        "before": ["/usr/bin/su (4755 0:0)"], "after": [],
        "because": {"before": ["dropped: not needed"], "after": []},
        "left_out": {"before": 0, "after": 0},
    }  # fmt: skip


def evidence_by_id(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {metric["id"]: metric["evidence"] for metric in document["metrics"]}


def test_each_path_that_is_evidence_has_the_rule_that_decided(document: dict[str, Any]) -> None:
    for name, found in evidence_by_id(document).items():
        for side in ("before", "after"):
            because = found["because"][side]
            are_paths = name != "files_in_layers" and found[side] and found[side][0][0] == "/"
            assert len(because) == (len(found[side]) if are_paths else 0), name
    programs = evidence_by_id(document)["elf_executable"]["because"]
    assert programs == {"before": ["kept: needed"], "after": ["kept: needed"]}


def test_what_start_up_removed_and_made_is_told_as_that() -> None:
    source = BEFORE | {"/usr/bin/gone": program("", mode=0o4755)}
    found = evidence_by_id(made(None, source=values.image(tree=tree(source))))["setuid"]
    assert found["before"] == ["/usr/bin/gone (4755 0:0)", "/usr/bin/su (4755 0:0)"]
    assert found["because"]["before"] == ["gone: start-up removed it", "dropped: not needed"]
    new, old = Keep("/new", "made"), Keep("/old", "needed")
    decided = reasons(Rootfs((), (old,), (new, Keep("/old", "rewritten"))))
    assert decided == {"/old": "kept: needed; rewritten", "/new": "added: made"}


def test_long_evidence_is_cut_with_a_count_and_no_row_for_it(document: dict[str, Any]) -> None:
    lines = tuple(f"/bin/sh{number}" for number in range(255))
    metric = _metric(
        Metric("shells", "shells", "files", 255, 1, "all", lines, lines[:1], lines, lines[:1]),
        dict.fromkeys(lines, "kept: x"),
    )
    assert metric["evidence"] == {
        "before": list(lines[:200]), "after": [lines[0]],
        "because": {"before": ["kept: x"] * 200, "after": ["kept: x"]},
        "left_out": {"before": 55, "after": 0},
    }  # fmt: skip
    jsonschema.validate(document | {"metrics": [metric]}, SCHEMA)


def test_no_password_hash_is_in_the_document(document: dict[str, Any]) -> None:
    assert "$y$" not in json.dumps(document)


def test_what_a_recipe_permits_is_among_the_losses(document: dict[str, Any]) -> None:
    assert document["losses"][-1] == {
        "name": "memory that is writable and executable at once",
        "detail": "it compiles",
    }


def test_packages_are_removed_or_kept_in_part(document: dict[str, Any]) -> None:
    dash, lib = document["packages"]
    assert (dash["state"], dash["files"], dash["kept"]) == ("removed", 1, [])
    assert (lib["state"], lib["files"], lib["kept"]) == ("partially kept", 2, ["/usr/lib/x"])
    assert [one["path"] for one in document["packages_unread"]] == ["/var/lib/rpm/Packages"]


def test_vulnerabilities_follow_their_packages_and_silence_is_said() -> None:
    used = Exploitation(0.94321, is_known=True)
    lone = Finding("CVE-3", (), Severity.LOW, (), None, "pkg:deb/gone@1", ("grype: x",), used)
    findings = [
        Finding(f"CVE-{one.name}", ("GHSA-1",), Severity.HIGH, ("9",), one, one.purl, ("grype: x",))
        for one in inventory(tree(BEFORE)).packages
    ]
    known = Vulnerabilities((), (*findings, lone), (NoData("npm", ("ms 1",), "no directory"),))
    document = made(known)
    jsonschema.validate(document, SCHEMA)
    found = {one["id"]: (one["state"], one["kept"]) for one in document["vulnerabilities"]["found"]}
    assert found == {
        "CVE-dash": ("removed", []),
        "CVE-lib": ("partially kept", ["/usr/lib/x"]),
        "CVE-3": ("unknown", []),
    }
    said = [(one["known_exploited"], one["epss"]) for one in document["vulnerabilities"]["found"]]
    assert said == [(False, None), (False, None), (True, 0.94321)]
    (metric,) = [one for one in document["metrics"] if one["id"] == "vulnerabilities"]
    assert (metric["before"], metric["after"]) == (3, 2)
    text = " ".join(shown(document).split())
    assert "1 in packages partially kept, 1 in packages removed, 1 in packages unknown" in text
    assert "no data of 1 npm packages: no directory" in text
    assert "KNOWN TO BE EXPLOITED: CVE-3 of pkg:deb/gone@1: unknown" in text


@pytest.mark.parametrize(
    ("image", "is_another"),
    [
        ("", False), ("sha256:" + "0" * 64, False), (MANIFEST, False),
        ("sha256:" + "1" * 64, True),
    ],
)  # fmt: skip
def test_a_report_of_another_image_is_no_data_of_this_one(image: str, is_another: bool) -> None:
    known = Vulnerabilities((Source("grype", "g.json", image=image),), (), ())
    document = made(known, origin=replace(APP, digests=(MANIFEST,)))
    jsonschema.validate(document, SCHEMA)
    said = "g.json, the report of grype, is about another image"
    assert (said in " ".join(shown(document).split())) is is_another
    assert ("vulnerabilities: none is known" in shown(document)) is not is_another
    figure = None if is_another else 0
    assert vulnerabilities_of(document) == (figure, figure)


def vulnerabilities_of(document: dict[str, Any]) -> tuple[int | None, int | None]:
    (metric,) = [one for one in document["metrics"] if one["id"] == "vulnerabilities"]
    return metric["before"], metric["after"]


@pytest.mark.parametrize(
    ("unread", "is_doubt"),
    [
        (Unread("/var/lib/rpm/Packages", "a Berkeley DB", Gap.DATABASE), True),
        (Unread("/app", "a program of Go before 1.18"), True),
        (Unread("/usr/bin/gosu", "a program of Go before 1.18"), False),  # it was dropped
    ],
)
def test_what_nobody_looked_up_is_no_figure(unread: Unread, is_doubt: bool) -> None:
    document = made(Vulnerabilities((), (), (), (unread,)))
    jsonschema.validate(document, SCHEMA)
    said = f"not looked up: {unread.path} ({unread.because})"
    assert [said in one for one in document["vulnerabilities"]["doubts"]] == [True] * is_doubt
    assert vulnerabilities_of(document) == ((None, None) if is_doubt else (0, 0))


def test_vulnerabilities_are_counted_by_what_is_done_about_them() -> None:
    dash, lib = inventory(tree(BEFORE)).packages
    [crate] = crates([("tcp-stack", "0.1.2")])
    used = Exploitation(0.5, is_known=True)
    findings = tuple(
        Finding(f"CVE-{name}", (), Severity.HIGH, fixed, one, one.purl, ("grype: x",), used)
        for name, one, fixed in (("1", dash, ("9",)), ("2", lib, ()), ("3", crate, ("2",)))
    )
    document = made(Vulnerabilities((Source("osv", "osv"),), findings, ()))
    jsonschema.validate(document, SCHEMA)
    figures = {one["id"]: (one["before"], one["after"]) for one in document["metrics"]}
    assert {name: figures[name] for name in FIGURES} == {
        "vulnerabilities": (2, 2),
        "vulnerabilities_fixable": (1, 1),
        "vulnerabilities_exploited": (2, 2),
        "vulnerabilities_likely": (2, 2),
        "vulnerabilities_partial": (None, 1),
        "vulnerabilities_new": (None, 1),
    }
    evidence = {one["id"]: one["evidence"]["after"] for one in document["metrics"]}
    assert evidence["vulnerabilities_new"] == [
        "CVE-3 (high) of pkg:cargo/tcp-stack@0.1.2: new with the runtime"
    ]


@pytest.mark.parametrize(("package", "figures"), [("lib 1", (None, None)), ("dash 2", (None, 1))])
def test_a_package_that_nobody_has_data_of_is_no_figure(
    package: str, figures: tuple[int | None, int | None]
) -> None:
    """/usr/bin/dash is gone, and of lib there is a file."""
    one = Finding("CVE-3", (), Severity.LOW, (), None, "pkg:deb/gone@1", ("grype: x",))
    known = Vulnerabilities((), (one,), (NoData("deb", (package,), "no directory"),))
    document = made(known)
    assert vulnerabilities_of(document) == figures
    assert "none is known" not in shown(made(replace(known, findings=())))


def test_without_data_nothing_is_said_of_vulnerabilities(document: dict[str, Any]) -> None:
    assert document["vulnerabilities"] is None
    assert "vulnerabilities" not in {one["id"] for one in document["metrics"]}
    text = " ".join(shown(document).split())
    assert "vulnerabilities: no data" in text
    assert "PACKAGES NOT READ: /var/lib/rpm/Packages: a Berkeley DB" in text


def test_the_terminal_shows_some_of_many_unread(document: dict[str, Any]) -> None:
    unread = [{"path": f"/{number}.jar", "because": "no version"} for number in range(100)]
    text = shown(document | {"packages_unread": unread})
    assert text.count("PACKAGES NOT READ") == 6
    assert "95 more in report.json" in text


def shown(document: Mapping[str, Any]) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(summary(document))
    return console.export_text()


def test_the_terminal_names_calls_that_the_program_missed(document: dict[str, Any]) -> None:
    verification = {
        "is_passed": True, "machine": "microvm", "accelerator": "tcg", "probes": [],
        "missed_system_calls": ["io_uring_setup", "keyctl"],
    }  # fmt: skip
    text = shown(document | {"verification": verification})
    assert "not in the image and asked for: io_uring_setup, keyctl (ENOSYS)" in text


def test_the_terminal_shows_losses_and_recipes_too(document: dict[str, Any]) -> None:
    text = shown(document)
    for wanted in ("setuid files", "lost: no separation of users", "recipe app: did this"):
        assert wanted in text
    assert "not verified" in text


def test_the_terminal_says_where_the_container_answers_otherwise(document: dict[str, Any]) -> None:
    assert "OTHERWISE THAN THE CONTAINER: http://:80/: status: …" in shown(document)
    alone = {"is_compared": False, "reason": "no engine answers", "answers": []}
    text = shown(document | {"comparison": alone})
    assert "not compared with the container: no engine answers" in text


def test_a_name_that_is_not_unicode_comes_back_as_it_was(tmp_path: Path) -> None:
    name = {"path": "/caf\udce9"}
    _write_json(tmp_path / REPORT_NAME, name)
    assert json.loads((tmp_path / REPORT_NAME).read_text("utf-8")) == name


def test_secrets_are_kept_published_or_left_behind() -> None:
    secrets = [
        Secret("a key", "/usr/lib/x, line 1", "0" * 12, path="/usr/lib/x"),
        Secret("a key", "/app, byte 9", "1" * 12, path="/app"),  # an ELF file of a package
        Secret("a key", "/usr/lib/x of layer 0", "2" * 12, path="/usr/lib/x", is_hidden=True),
        Secret("a token", "ENV TOKEN", "3" * 12, variable="TOKEN"),
        Secret("a key", "/etc/shadow, line 1", "4" * 12, path="/etc/shadow"),
    ]
    image = values.image(tree=tree(BEFORE))
    nodes = tuple(node for node in image.tree if node.path in AFTER)
    packages = (Package("app", "1", "app", ("/app", "/usr/lib/x"), ecosystem="deb"),)
    found = secret_findings.found(
        secrets, image, packages, Rootfs(nodes, (), ()), values.entrypoint()
    )
    rows = [(one["is_kept"], one["published_with"]) for one in secret_findings.documents(found)]
    assert rows == [(True, None), (True, "app"), (False, None), (False, None), (False, None)]
    metric, _ = secret_findings.secret_metrics(found, image)
    assert (metric.before, metric.after) == (4, 1)
