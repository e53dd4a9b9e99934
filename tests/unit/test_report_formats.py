"""The report in other forms: each says what report.json says, whatever files are called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from test_report import document  # noqa: F401 - a fixture

from dock2uk import report_options
from dock2uk.errors import Dock2ukError
from dock2uk.policy import DEFAULT, Verdict
from dock2uk.report.formats import FORMATS, NothingToSayError, markdown
from dock2uk.report.formats.findings import _OF_METRICS as KEPT
from dock2uk.report.formats.findings import RULES, findings

HOSTILE = "/x|y`z\n</details><script>&\udcff\x1b[31m[a](http://b)" + "é" * 2000

# Of SARIF 2.1.0 (OASIS standard, 27 March 2020) § 3: what is written here, and what must be there.
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}  # § 3.27.10
RULE = {
    "type": "object",
    "required": ["id"],  # § 3.49.3
    "properties": {"id": {"type": "string"}, "shortDescription": TEXT, "help": TEXT},
}
PLACE = {
    "type": "object",
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],  # § 3.29.2
            "properties": {
                "artifactLocation": {
                    "properties": {"uri": {"type": "string", "format": "uri-reference"}}
                },
                "region": {"properties": {"startLine": {"type": "integer", "minimum": 1}}},
            },
        }
    },
}
RESULT = {
    "type": "object",
    "required": ["message"],  # § 3.27.11
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": TEXT,
        "locations": {"type": "array", "items": PLACE},
        "partialFingerprints": {"additionalProperties": {"type": "string"}},
    },
}
INVOCATION = {
    "type": "object",
    "required": ["executionSuccessful"],  # § 3.20.14
    "properties": {
        "executionSuccessful": {"type": "boolean"},
        "toolExecutionNotifications": {  # § 3.20.21, § 3.58.2
            "type": "array",
            "items": {
                "type": "object", "required": ["message"],
                "properties": {"message": TEXT, "level": LEVEL},
            },
        },
    },
}  # fmt: skip
SARIF = {
    "type": "object",
    "required": ["version", "runs"],  # § 3.13
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],  # § 3.14.6
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {"rules": {"type": "array", "items": RULE}},
                            }
                        },
                    },
                    "results": {"type": "array", "items": RESULT},
                    "invocations": {"type": "array", "items": INVOCATION},
                },
            },
        },
    },
}


@pytest.fixture
def full(document: dict[str, Any]) -> dict[str, Any]:  # noqa: F811
    """The report with something of every kind, by hostile names; `login_accounts` are more."""
    kept = {"before": [], "after": [HOSTILE]}
    metrics = [
        one | {"before": 1, "after": 1 + (one["id"] == "login_accounts"), "evidence": kept}
        if one["id"] in KEPT
        else one
        for one in document["metrics"]
    ]
    found = {
        "id": "CVE-1", "severity": "high", "package": HOSTILE, "state": "partially kept",
        "kept": [HOSTILE], "fixed": ["2"], "aliases": [],
    }  # fmt: skip
    removed = found | {"id": "CVE-2", "state": "removed"}
    secret = {
        "kind": "a private key", "place": f"{HOSTILE}, line 1", "layer": 0, "is_kept": False,
        "sha256_begins": "0" * 12, "is_in_layers_alone": False, "published_with": None,
    }  # fmt: skip
    blocked, through, *rest = document["scenarios"]
    attack = through | {"because": HOSTILE, "seen": [HOSTILE]}
    return document | {
        "metrics": metrics,
        "scenarios": [blocked, attack, *rest],
        "notes": [HOSTILE],
        "vulnerabilities": {"found": [found, removed], "doubts": [], "no_data": []},
        "secrets": [secret | {"is_kept": True}, secret, secret | {"published_with": "libtls"}],
        "verification": {
            "is_passed": False, "machine": "pc", "accelerator": "tcg",
            "missed_system_calls": ["keyctl"],
            "probes": [{"question": "tcp:1", "answer": HOSTILE, "is_passed": False}],
        },
    }  # fmt: skip


def test_every_rule_is_found_once(full: dict[str, Any]) -> None:
    rules = [one.rule for one in findings(full)]
    assert set(rules) == set(RULES)
    assert rules.count("vulnerability-kept") == 1
    assert rules.count("setuid-kept") == 1  # setuid and setgid
    assert rules.count("more-than-before") == 1


def test_rules_keep_their_names() -> None:
    """Code scanning, and lists of what is borne, know findings by them."""
    assert set(RULES) >= {
        "verification-failed", "differs-from-container", "missed-system-call",
        "attack-not-blocked", "setuid-kept", "shell-kept", "package-manager-kept",
        "capability-kept", "world-writable-kept", "login-account-kept", "password-hash-kept",
        "empty-password-kept", "interpreter-kept", "network-tool-kept", "tool-kept",
        "runs-as-root", "more-than-before", "secret-kept", "secret-in-image",
        "vulnerability-kept",
    }  # fmt: skip


def test_what_the_default_policy_counts_is_a_finding_and_worse_than_a_warning() -> None:
    counted = {gate.subject for gate in DEFAULT if not gate.is_of_data} - {"secrets"}
    assert counted <= KEPT.keys()
    assert all(RULES[KEPT[subject]][0] for subject in counted)


def test_what_is_still_there_and_what_is_more_is_listed_in_every_form(
    document: dict[str, Any],  # noqa: F811
) -> None:
    def metric(name: str, before: int | None, after: int, *lines: str) -> dict[str, Any]:
        [one] = [one for one in document["metrics"] if one["id"] == name]
        return one | {
            "before": before, "after": after, "evidence": {"before": [], "after": list(lines)},
        }  # fmt: skip

    metrics = [
        metric("interpreters", 1, 1, "/usr/bin/perl (0755 0:0)"),
        metric("runs_as_root", 1, 0, "user 101, group 101"),
        metric("bytes", 1 << 20, 1 << 21),
        metric("locked_passwords", 1, 2),
        metric("kernel_bytes", None, 600),
    ]
    report = document | {"metrics": metrics, "scenarios": []}
    found = {(one.rule, one.message) for one in findings(report)}
    wanted = {
        ("interpreter-kept", "/usr/bin/perl (0755 0:0)"),
        ("more-than-before", "bytes of files: 1.0 MiB before, 2.0 MiB now"),
    }
    assert {one for one in found if one[0] != "differs-from-container"} == wanted
    for name in ("sarif", "junit", "md", "html"):
        assert "/usr/bin/perl" in FORMATS[name](report)
        assert "1.0 MiB before, 2.0 MiB now" in FORMATS[name](report)


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_names_break_no_form(full: dict[str, Any], name: str) -> None:
    text = FORMATS[name](full)
    text.encode("utf-8")
    assert "\x1b" not in text
    assert FORMATS[name](full) == text


def test_json_is_the_document(full: dict[str, Any]) -> None:
    assert json.loads(FORMATS["json"](full)) == full


def test_sarif_is_as_the_standard_says(full: dict[str, Any]) -> None:
    sarif = json.loads(FORMATS["sarif"](full))
    jsonschema.validate(sarif, SARIF)
    [run] = sarif["runs"]
    assert len(run["results"]) == len(list(findings(full)))
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert len({one["partialFingerprints"]["finding/v1"] for one in run["results"]}) == len(
        run["results"]
    )


def test_cyclonedx_is_as_its_schema_says(full: dict[str, Any]) -> None:
    text = FORMATS["cyclonedx"](full)
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, problem
    bill = json.loads(text)
    assert len(bill["components"]) == len(full["packages"]) + 1
    [runtime_s] = bill["components"][-1]["components"]
    assert runtime_s["purl"] == "pkg:cargo/tcp-stack@0.1.2"
    before, after = (one["dependsOn"] for one in bill["dependencies"])
    assert len(before) == len(full["packages"])
    assert len(after) == sum(1 for one in full["packages"] if one["state"] != "removed")
    states = [one["analysis"]["state"] for one in bill["vulnerabilities"]]
    assert states == ["in_triage", "not_affected"]


def test_a_bill_says_what_mends_a_vulnerability_and_who_uses_it(full: dict[str, Any]) -> None:
    one = full["vulnerabilities"]["found"][0] | {"fixed": ["1.2", "2.0\x1b"]}
    used = one | {"known_exploited": True, "epss": 0.94321}
    report = full | {"vulnerabilities": {"found": [used, one | {"fixed": [], "epss": None}]}}
    text = FORMATS["cyclonedx"](report)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    first, second = json.loads(text)["vulnerabilities"]
    assert first["recommendation"] == "update to 1.2 or 2.0 "
    assert first["properties"] == [
        {"name": "dock2uk:known-exploited", "value": "true"},
        {"name": "dock2uk:epss", "value": "0.94321"},
    ]
    assert not {"recommendation", "properties"} & second.keys()


def test_a_bill_leads_from_a_vulnerability_to_its_package(full: dict[str, Any]) -> None:
    purl = full["packages"][0]["purl"]
    found = {"id": "CVE-1", "severity": "negligible", "package": purl, "state": "kept"}
    twice = full | {
        "vulnerabilities": {"found": [found]},
        "packages": [full["packages"][0], full["packages"][0]],
    }
    text = FORMATS["cyclonedx"](twice)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    references = [one["bom-ref"] for one in bill["components"][:-1]]
    assert [one["ref"] for one in bill["vulnerabilities"][0]["affects"]] == references
    assert len(set(references)) == 2


def test_junit_counts_what_it_has(full: dict[str, Any]) -> None:
    suite = ElementTree.fromstring(FORMATS["junit"](full))
    of_attacks = [one for one in suite if one.get("classname") == "dock2uk.scenarios"]
    assert [one.get("name") for one in of_attacks] == [one["id"] for one in full["scenarios"]]
    told = [text for one in of_attacks if (text := one.findtext("system-out"))]
    assert [text.partition(":")[0] for text in told] == ["blocked by absence", "not blocked"]
    assert suite.get("tests") == str(len(RULES) - 1 + len(of_attacks))
    assert suite.get("failures") == str(len(RULES) - 1)
    assert suite.get("skipped") == str(len(of_attacks) - 2)
    quiet = full | {
        "verification": None,
        "vulnerabilities": None,
        "secrets": [],
        "metrics": [],
        "comparison": {"is_compared": False, "reason": "no engine", "answers": []},
        "scenarios": [],
    }
    suite = ElementTree.fromstring(FORMATS["junit"](quiet))
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "4")


def test_every_form_counts_what_the_report_does_not_list(full: dict[str, Any]) -> None:
    evidence = {
        "before": [], "after": [f"/bin/sh{number} (0755 0:0)" for number in range(200)],
        "left_out": {"before": 0, "after": 55},
    }  # fmt: skip
    [shells] = [one for one in full["metrics"] if one["id"] == "shells"]
    report = full | {"metrics": [shells | {"after": 255, "evidence": evidence}]}
    suite = ElementTree.fromstring(FORMATS["junit"](report))
    [failure] = suite.findall("testcase[@name='shell-kept']/failure")
    assert failure.get("message") == "A shell is kept: 255"
    assert (failure.text or "").endswith("\nand 155 more")
    sarif = json.loads(FORMATS["sarif"](report))
    jsonschema.validate(sarif, SARIF)
    [run] = sarif["runs"]
    shown = [one for one in run["results"] if one["ruleId"] == "shell-kept"]
    assert len(shown) == 200
    assert run["properties"]["findings"] == len(run["results"]) + 55
    [note] = run["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"].startswith("A shell is kept: 55 more")
    page = FORMATS["html"](report)
    assert "<p>A shell is kept: 55 more" in page
    assert "<p>and 55 more</p>" in page
    assert "<summary>A shell is kept (255)</summary>" in FORMATS["md"](report)
    assert "\n\nand 205 more\n" in FORMATS["md"](report)
    for name in ("html", "md", "sarif", "junit"):
        assert "and 55 more</li>" not in FORMATS[name](report)
        assert "and 55 more**" not in FORMATS[name](report)


def test_what_nobody_has_data_on_is_said(full: dict[str, Any]) -> None:
    missing = {"ecosystem": "pypi", "packages": ["six 1", "x 2"], "because": "osv has none|"}
    report = full | {"vulnerabilities": full["vulnerabilities"] | {"no_data": [missing]}}
    said = "no data of 2 pypi packages: osv has none|"
    assert "**no data of 2 pypi packages: osv has none\\|**" in FORMATS["md"](report)
    [run] = json.loads(FORMATS["sarif"](report))["runs"]
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert [one["message"]["text"] for one in notes] == [f"vulnerabilities: {said}"]
    case = ElementTree.fromstring(FORMATS["junit"](report)).find(
        "testcase[@name='vulnerability-kept']"
    )
    assert case is not None
    assert (case.find("failure") is not None, case.findtext("system-out")) == (True, said)
    none = report | {"vulnerabilities": report["vulnerabilities"] | {"found": []}}
    case = ElementTree.fromstring(FORMATS["junit"](none)).find(
        "testcase[@name='vulnerability-kept']"
    )
    assert case is not None
    assert [(one.tag, one.get("message")) for one in case] == [("skipped", said)]


def test_what_was_not_read_and_not_looked_up_is_in_every_form(full: dict[str, Any]) -> None:
    doubt = "not looked up: /var/lib/dpkg/status"
    known = {"found": [], "doubts": [doubt], "no_data": []}
    place = {"path": "/var/lib/dpkg/status", "because": "not there"}
    report = full | {"vulnerabilities": known, "packages_unread": [place]}
    for name in ("md", "sarif", "junit", "html", "cyclonedx"):
        assert doubt in FORMATS[name](report), name
    for name in ("md", "html", "cyclonedx", "spdx"):
        assert "/var/lib/dpkg/status: not there" in FORMATS[name](report), name
    bill = FORMATS["cyclonedx"](report)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    assert "vulnerabilities known" not in FORMATS["md"](report)
    case = ElementTree.fromstring(FORMATS["junit"](report)).find(
        "testcase[@name='vulnerability-kept']"
    )
    assert case is not None
    assert [(one.tag, one.get("message")) for one in case] == [("skipped", doubt)]
    with pytest.raises(NothingToSayError, match=doubt):
        FORMATS["openvex"](report)


def test_what_is_known_to_be_exploited_is_shown(full: dict[str, Any]) -> None:
    one = full["vulnerabilities"]["found"][0] | {"known_exploited": True, "epss": 0.94321}
    report = full | {"vulnerabilities": full["vulnerabilities"] | {"found": [one]}}
    assert "1 high (**1 known exploited**)" in FORMATS["md"](report)
    assert '<td class="worse">known EPSS 94.32%</td>' in FORMATS["html"](report)
    for name in ("md", "sarif", "junit"):
        assert "(high, known exploited, EPSS 94.32%)" in FORMATS[name](report)


def test_markdown_shows_names_as_they_are_and_fits_a_comment(full: dict[str, Any]) -> None:
    text = FORMATS["md"](full)
    assert "<script>" not in text.replace("\\<script", "")
    assert text.count("<details>") == text.count("</details>")
    assert "1 high" in text
    many = full | {"notes": [HOSTILE] * 5000, "losses": full["losses"] * 5000}
    assert len(FORMATS["md"](many).encode()) <= 65_536
    huge = full | {"metrics": full["metrics"] * 2000}
    assert FORMATS["md"](huge).endswith("_More is in report.json._\n")


def test_markdown_cuts_names_alone_and_marks_it(full: dict[str, Any]) -> None:
    name, reason = "/n" * 2000, "because of this " * 40
    report = full | {
        "source": full["source"] | {"reference": name},
        "losses": [{"name": "lost", "detail": reason}],
        "scenarios": [full["scenarios"][0] | {"because": reason}],
        "comparison": {"is_compared": False, "reason": reason, "answers": []},
    }
    text = FORMATS["md"](report)
    assert f"## dock2uk: {('/n' * 150)[:299]}…\n" in text
    assert text.count(reason) == 3
    assert markdown.escaped(f"{name} is kept") == f"{name[:299]}… is kept"


def test_a_list_has_whole_rows_and_room_for_others() -> None:
    rows = ["a" * 5_000, "b" * 20_000, "c" * 5_000, "d" * 5_000]
    text = markdown.folded("x", rows)
    assert [line[2:] for line in text.splitlines() if line.startswith("- ")] == [rows[0], rows[2]]
    assert "\n\nand 2 more\n" in text
    assert "<summary>x</summary>\n\nand 1 more\n" in markdown.folded("x", rows[1:2])


def test_many_findings_of_one_kind_hide_none_of_another(full: dict[str, Any]) -> None:
    def metric(name: str, count: int) -> dict[str, Any]:
        lines = [f"/bin/{name}{number} (0755 0:0)" for number in range(count)]
        [one] = [one for one in full["metrics"] if one["id"] == name]
        return one | {"after": count, "evidence": {"before": [], "after": lines}}

    report = full | {"metrics": [metric("living_off_the_land", 90), metric("setuid", 1)]}
    text = FORMATS["md"](report)
    tools = text.index("<summary>A tool to live off the land is kept (90)</summary>")
    assert text.index("<summary>A setuid or setgid file is kept (1)</summary>") < tools
    assert "/bin/setuid0" in text
    page = FORMATS["html"](report)
    assert '<summary>90 of them<span class="unseen">: A tool to live off the land' in page
    assert page.count("<strong>A tool to live off the land is kept:</strong>") == 1


def test_markdown_says_amounts_with_units_and_changes(full: dict[str, Any]) -> None:
    [size] = [one for one in full["metrics"] if one["id"] == "bytes"]
    [kernel] = [one for one in full["metrics"] if one["id"] == "kernel_bytes"]
    report = full | {"metrics": [size | {"before": 200 << 20, "after": 10 << 20}, kernel]}
    text = FORMATS["md"](report)
    assert "|  | before | after | change |\n| --- | --: | --: | --: |\n" in text
    assert "| bytes of files | 200.0 MiB | 10.0 MiB | -95 % |" in text
    assert "| kernel image | - | 600 B |  |" in text
    assert markdown.table(("", "verdict", "n"), [("x", "good", "8 > 2")]).splitlines()[1] == (
        "| --- | --- | --: |"
    )


@pytest.mark.parametrize("text", ["a|b", "- x", "1. x", "# x", "a_b*c`d", "<b>", "&amp;", "[x](y)"])
def test_escaped_text_means_nothing(text: str) -> None:
    escaped = markdown.escaped(text)
    assert escaped != text
    assert escaped.replace("\\", "") == text


def test_what_turns_text_around_is_shown() -> None:
    assert markdown.escaped("a\u202eb") == "a\\\\u202eb"


def test_a_number_is_escaped_behind_it() -> None:
    """A backslash before a digit would be shown (CommonMark § 2.4)."""
    assert markdown.escaped("2.36-9") == "2\\.36-9"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["md"], "not FORMAT=PATH"),
        (["md="], "not FORMAT=PATH"),
        (["pdf=x"], "no such form of the report: 'pdf'"),
        (["md=/no/such/dir/x"], "cannot write /no/such/dir/x"),
        (["md=/tmp"], "cannot write /tmp"),
        (["md=x", "json=./x"], "two reports are to be written to x"),
    ],
)
def test_mistakes_are_found_before_anything_is_made(words: list[str], said: str) -> None:
    with pytest.raises(Dock2ukError) as caught:
        report_options.require_places(report_options.report_options(words))
    assert said in caught.value.message


def test_the_summary_of_a_step_has_what_the_policy_says(
    full: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    said = Verdict(("shells>0: it is 1", "  /bin/<sh> (0755 0:0)"), ("ignored until tomorrow",))
    report_options.write((), full, said)
    assert path.read_text().endswith(
        "\n### The policy says no\n\n- shells\\>0: it is 1\n  - /bin/\\<sh\\> (0755 0:0)\n"
        "- ignored until tomorrow\n"
    )


def test_the_summary_of_a_step_is_appended_and_bounded(
    full: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    report_options.write(report_options.report_options([f"md={tmp_path / 'r.md'}"]), full)
    assert path.read_text() == "before\n" + (tmp_path / "r.md").read_text()
    path.write_bytes(b"x" * (1 << 20))
    report_options.write((), full)
    assert path.stat().st_size == 1 << 20
