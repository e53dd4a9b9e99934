"""Policies: the default one, what was better before, and what is ignored for a while."""

from __future__ import annotations

import copy
import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from test_gates import finding
from test_report import document  # noqa: F401 - a fixture

from dock2uk.errors import Dock2ukError
from dock2uk.gates import parse
from dock2uk.policy import DEFAULT, Baseline, Ignore, Policy, judge, read_baseline
from dock2uk.project_options import PolicyWord, project_options

TODAY = datetime.date(2026, 11, 26)


def ignoring(name: str, until: datetime.date = TODAY) -> Ignore:
    return Ignore(name, "not reached", "web team", until)


def with_metric(report: dict[str, Any], name: str, after: int, *evidence: str) -> dict[str, Any]:
    changed = copy.deepcopy(report)
    [metric] = [one for one in changed["metrics"] if one["id"] == name]
    metric["after"] = after
    metric["evidence"]["after"] = list(evidence)
    return changed


def with_vulnerabilities(report: dict[str, Any], *found: dict[str, str]) -> dict[str, Any]:
    return report | {"vulnerabilities": {"found": list(found)}}


def test_the_default_policy_asks_what_is_there_and_is_silent_without_data(
    document: dict[str, Any],  # noqa: F811
) -> None:
    alike = document | {"comparison": {"is_compared": False, "reason": "", "answers": []}}
    assert judge(alike, Policy(DEFAULT), TODAY).violations == ()
    worse = with_metric(alike, "shells", 1, "/bin/sh (0755 0:0)")
    worse = with_vulnerabilities(worse, finding(1, "critical", "kept"), finding(2, "low", "kept"))
    assert judge(worse, Policy(DEFAULT), TODAY).violations == (
        "shells>0: it is 1", "  /bin/sh (0755 0:0)",
        "cve.critical.kept>0: it is 1", "  CVE-1 (critical) of pkg:deb/debian/x: kept",
    )  # fmt: skip


def test_worse_than_before_is_told_with_what_is_new(document: dict[str, Any]) -> None:  # noqa: F811
    before = with_vulnerabilities(document, finding(1, "low", "kept"))
    policy = Policy(baseline=Baseline("before.json", before))
    assert judge(before, policy, TODAY).violations == ()
    now = with_metric(before, "setuid", 1, "/usr/bin/su (4755 0:0)")
    now = with_metric(now, "bytes", 10**9)  # sizes are no matter
    now = with_vulnerabilities(now, finding(2, "high", "kept"))  # as many, but another
    assert judge(now, policy, TODAY).violations == (
        "setuid: 0 before, 1 now", "  /usr/bin/su (4755 0:0)",
        "cve.any.kept: 1 before, 1 now", "  CVE-2 (high) of pkg:deb/debian/x: kept",
    )  # fmt: skip
    blind = judge(document | {"vulnerabilities": None}, policy, TODAY).violations
    assert blind == ("cve.any.kept: 1 before, and now there is no data on it",)


def test_an_attack_that_was_blocked_before_is_worse(document: dict[str, Any]) -> None:  # noqa: F811
    shell, *others = document["scenarios"]
    through = shell | {"result": "not blocked", "because": "execve /bin/sh did not return"}
    now = document | {"scenarios": [through, *others]}
    policy = Policy(baseline=Baseline("before.json", document))
    assert judge(now, policy, TODAY).violations == (
        "scenarios.shell.not_blocked: 0 before, 1 now",
        "  spawn a shell (T1059.004): execve /bin/sh did not return",
    )
    assert judge(document, policy, TODAY).violations == ()
    without_any = {name: value for name, value in document.items() if name != "scenarios"}
    older = Policy(baseline=Baseline("older.json", without_any))
    assert judge(now, older, TODAY).violations == ()


def test_what_is_ignored_counts_for_no_rule_until_its_day(
    document: dict[str, Any],  # noqa: F811
) -> None:
    report = with_vulnerabilities(document, finding(1, "high", "kept"))
    rules = (parse("cve.high.kept>0"), parse("effective_uid==0"))
    ignores = (ignoring("CVE-1"), ignoring("effective_uid"), ignoring("CVE-9"))
    verdict = judge(report, Policy(rules, ignores), TODAY)
    assert verdict.violations == ()
    assert verdict.notes == (
        "ignored until 2026-11-26: CVE-1: not reached (web team)",
        "ignored until 2026-11-26: effective_uid: not reached (web team)",
        "nothing to ignore: CVE-9 of web team is not there; take it out",
    )
    tomorrow = judge(report, Policy(rules, ignores[:1]), TODAY + datetime.timedelta(days=1))
    assert tomorrow.violations[0] == "cve.high.kept>0: it is 1"
    assert tomorrow.notes == ("NO LONGER IGNORED since 2026-11-26: CVE-1: not reached (web team)",)


def test_a_baseline_is_a_report_or_a_bundle(document: dict[str, Any], tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "report.json"
    path.write_text(json.dumps(document))
    assert read_baseline(path).document == read_baseline(tmp_path).document == document
    with pytest.raises(Dock2ukError, match="cannot read"):
        read_baseline(tmp_path / "none.json")
    difference = {**document, "metrics": [{"id": "shells", "first": 1, "second": 0}]}
    for text in ("{", "[]", "{}", '{"metrics": []}', json.dumps(difference)):
        path.write_text(text)
        with pytest.raises(Dock2ukError, match=r"not understood|no report"):
            read_baseline(path)


def test_the_options_and_the_file_are_one_policy(
    document: dict[str, Any],  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".dock2uk.toml").write_text("fail_on = ['files>9']")
    Path("old.json").write_text(json.dumps(document))
    rules = project_options(
        fail_on=["bytes>1"], fail_if_worse=Path("old.json"), policy=PolicyWord.default
    )("image").policy
    assert [one.text for one in rules.gates] == [
        *(one.text for one in DEFAULT),
        "files>9",
        "bytes>1",
    ]
    assert rules.text.startswith(
        "policy (.dock2uk.toml, the default one, --fail-on, --fail-if-worse): shells>0, "
    )
    assert rules.text.endswith("files>9, bytes>1, not worse than old.json")
    assert Policy().text == ""


def worse(before: dict[str, Any], now: dict[str, Any]) -> tuple[str, ...]:
    return judge(now, Policy(baseline=Baseline("old", before)), TODAY).violations


def test_more_calls_that_are_not_implemented_are_worse(document: dict[str, Any]) -> None:  # noqa: F811
    before = with_metric(document, "system_calls_lacking", 1, "ptrace: debugging")
    assert worse(before, before) == ()
    now = with_metric(document, "system_calls_lacking", 2, "ptrace: debugging", "call 999")
    assert worse(before, now) == ("system_calls_lacking: 1 before, 2 now", "  call 999")


@pytest.mark.parametrize("subject", ["setuid", "shells", "login_accounts", "scheduled"])
def test_one_for_another_is_worse(document: dict[str, Any], subject: str) -> None:  # noqa: F811
    before = with_metric(document, subject, 1, "/bin/a (0755 0:0)")
    assert worse(before, with_metric(before, subject, 1, "/bin/a (4755 0:1)")) == ()
    assert worse(before, with_metric(before, subject, 1, "/bin/b (0755 0:0)")) == (
        f"{subject}: 1 before, 1 now", "  /bin/b (0755 0:0)",
    )  # fmt: skip


def test_another_secret_is_worse_and_the_same_in_another_line_is_not(
    document: dict[str, Any],  # noqa: F811
) -> None:
    def having(line: int, digest: str) -> dict[str, Any]:
        place = f"/etc/app.conf, line {line}"
        secret = {"kind": "a token", "place": place, "sha256_begins": digest}
        return document | {"secrets": [secret | {"published_with": None, "is_kept": True}]}

    assert worse(having(1, "aa"), having(2, "aa")) == ()
    assert worse(having(1, "aa"), having(1, "bb")) == (
        "secrets: 1 before, 1 now", "  a token in /etc/app.conf, line 1 (sha256 bb…)",
    )  # fmt: skip


def test_a_vulnerability_is_the_same_in_another_version_and_by_another_name(
    document: dict[str, Any],  # noqa: F811
) -> None:
    def having(name: str, package: str, *aliases: str) -> dict[str, Any]:
        one: dict[str, Any] = finding(1, "high", "kept")
        one |= {"id": name, "package": package, "aliases": list(aliases)}
        return with_vulnerabilities(document, one)

    before = having("CVE-1", "pkg:deb/debian/x@1.0?arch=amd64")
    assert worse(before, having("CVE-1", "pkg:deb/debian/x@1.1?arch=amd64")) == ()
    assert worse(before, having("GHSA-1", "pkg:deb/debian/x@1.1", "CVE-1")) == ()
    assert worse(before, having("CVE-1", "pkg:deb/debian/y@1.0?arch=amd64"))


def test_where_a_list_is_cut_it_is_said(document: dict[str, Any]) -> None:  # noqa: F811
    before = with_metric(document, "setuid", 3, "/a (4755 0:0)", "and 2 more")
    now = with_metric(document, "setuid", 3, "/b (4755 0:0)", "and 2 more")
    verdict = judge(now, Policy(baseline=Baseline("old", before)), TODAY)
    assert verdict.violations == ()
    assert verdict.notes == (
        "setuid: the reports list 1 of 3 before and 1 of 3 now: numbers alone were compared",
    )


def test_an_ignored_vulnerability_counts_nowhere_by_any_of_its_names(
    document: dict[str, Any],  # noqa: F811
) -> None:
    one: dict[str, Any] = finding(1, "high", "kept")
    report = with_vulnerabilities(document, one | {"aliases": ["GHSA-1"]})
    rules = tuple(map(parse, ("vulnerabilities>0", "cve.any.kept>0", "cve.high.kept>0")))
    empty = Baseline("old", with_vulnerabilities(document))
    assert judge(report, Policy(rules), TODAY).violations[0] == "vulnerabilities>0: it is 1"
    for name in ("CVE-1", "GHSA-1"):
        verdict = judge(report, Policy(rules, (ignoring(name),), empty), TODAY)
        assert verdict.violations == ()
        assert "ignored until" in verdict.notes[0]


def test_an_unknown_severity_does_not_pass_the_default_policy(
    document: dict[str, Any],  # noqa: F811
) -> None:
    report = with_vulnerabilities(document, finding(1, "unknown", "kept"))
    assert "cve.unknown.kept>0: it is 1" in judge(report, Policy(DEFAULT), TODAY).violations
