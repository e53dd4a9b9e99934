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
    for text in ("{", "[]", "{}"):
        path.write_text(text)
        with pytest.raises(Dock2ukError, match="not understood"):
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
