"""Rules about the report: what is written, what they find, and what is shown when one says no."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest
from test_report import document  # noqa: F401 - a fixture

from dock2uk import gates
from dock2uk.errors import Dock2ukError, PolicyError
from dock2uk.policy import Ignore, Policy, judge
from dock2uk.vulnerability_figures import FIGURES

TODAY = datetime.date(2026, 1, 1)
OF_RUNTIME = {"cve.new", "vulnerabilities_new"}
EVERY_ATTACK = "scenarios.not_blocked>0"


def require(report: dict[str, Any], *rules: str) -> None:
    rows = Policy(gates=tuple(map(gates.parse, rules)))
    judge(report, rows, TODAY).require_passed()


def test_every_figure_of_the_report_can_be_asked_for(document: dict[str, Any]) -> None:  # noqa: F811
    ids = {metric["id"] for metric in document["metrics"]}
    assert ids | set(FIGURES) == set(gates.METRICS)


def test_rules_that_do_not_hold_pass(document: dict[str, Any]) -> None:  # noqa: F811
    require(document, "shells>0", "setuid > 0", "files!=2", "kernel_bytes>=601", "effective_uid<0")


def test_every_rule_that_holds_is_told_with_evidence(document: dict[str, Any]) -> None:  # noqa: F811
    with pytest.raises(PolicyError) as caught:
        require(document, "shells>0", "packages>=1", "effective_uid==0", "differences>0")
    assert caught.value.exit_status == 2
    assert "shells" not in caught.value.message
    assert "packages>=1: it is " in caught.value.message
    assert "effective_uid==0: it is 0" in caught.value.message
    assert "differences>0: it is 1\n  http://:80/: status: …" in caught.value.message


def finding(number: int, severity: str, state: str) -> dict[str, str]:
    return {
        "id": f"CVE-{number}",
        "severity": severity,
        "package": "pkg:deb/debian/x",
        "state": state,
    }


VULNERABILITIES = {
    "found": [
        finding(1, "high", "removed"),
        finding(2, "high", "partially kept"),
        finding(3, "low", "kept"),
        finding(4, "high", "unknown"),
    ]
}


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("cve.high.kept>0", 2),
        ("cve.any.kept>0", 3),
        ("cve.high.removed>0", 1),
        ("cve.critical.kept==0", 0),
    ],
)
def test_what_may_be_kept_counts_as_kept(rule: str, value: int) -> None:
    with pytest.raises(PolicyError, match=f"it is {value}"):
        require({"vulnerabilities": VULNERABILITIES}, rule)


def of_grype(number: int, state: str, epss: float | None, **more: Any) -> dict[str, Any]:
    return {**finding(number, "high", state), "epss": epss, "sources": ["grype: g"], **more}


@pytest.mark.parametrize(
    ("subject", "value"),
    [
        ("cve.fixable.kept", 1),
        ("vulnerabilities_fixable", 1),
        ("cve.fixable.removed", 1),
        ("cve.known-exploited.kept", 1),
        ("vulnerabilities_exploited", 1),
        ("cve.known-exploited.removed", 0),
        ("cve.epss-10.kept", 2),
        ("vulnerabilities_likely", 2),
        ("cve.epss-11.kept", 1),
        ("cve.epss-95.kept", 0),
        ("cve.partial", 1),
        ("vulnerabilities_partial", 1),
        ("cve.new", 1),
        ("vulnerabilities_new", 1),
        ("cve.any.kept", 4),
    ],
)
def test_what_can_be_mended_what_is_used_and_what_is_new_are_counted(
    subject: str, value: int
) -> None:
    found = [
        of_grype(1, "removed", 0.01, fixed=["2"]),
        of_grype(2, "partially kept", 0.9432, known_exploited=True, fixed=["2"]),
        of_grype(3, "kept", 0.1),
        of_grype(4, "kept", None),  # grype has none of its age
        of_grype(5, "new with the runtime", 0.0),
    ]
    known = {"found": found, "sources": [{"kind": "grype"}, {"kind": "osv"}]}
    with pytest.raises(PolicyError, match=f"{subject}=={value}: it is {value}"):
        require({"vulnerabilities": known}, f"{subject}=={value}")


@pytest.mark.parametrize("kind", ["known-exploited", "epss-50"])
@pytest.mark.parametrize(
    "other",
    [
        finding(2, "high", "kept") | {"sources": ["trivy: t"]},
        of_grype(2, "kept", None),  # as by a version of it that knows no EPSS
    ],
)
def test_who_says_nothing_of_exploitation_does_not_deny_it(
    kind: str, other: dict[str, Any]
) -> None:
    used = of_grype(1, "kept", 0.9, known_exploited=True, sources=["trivy: t"])
    is_told = "grype: g" in other["sources"]
    found = [other] if is_told else [used, other]
    with pytest.raises(PolicyError, match="there is no data on it"):
        require({"vulnerabilities": {"found": found}}, f"cve.{kind}.kept>1")
    require({"vulnerabilities": {"found": [used]}}, f"cve.{kind}.kept>1")
    require({"vulnerabilities": {"found": [other]}}, f"cve.{kind}.removed>0")


@pytest.mark.parametrize(
    ("sources", "no_data"),
    [([], []), (["grype"], []), (["grype", "osv"], ["cargo"])],
)
def test_a_scanner_of_the_image_knows_nothing_of_the_runtime(
    sources: list[str], no_data: list[str]
) -> None:
    known: dict[str, Any] = {
        "found": [], "sources": [{"kind": kind} for kind in sources],
        "no_data": [{"ecosystem": one, "packages": ["tcp-stack 0.1.2"]} for one in no_data],
    }  # fmt: skip
    require({"vulnerabilities": known}, "cve.any.kept>0")
    with pytest.raises(PolicyError, match="there is no data on it"):
        require({"vulnerabilities": known}, "cve.new>0")


@pytest.mark.parametrize(
    ("rule", "state", "is_silent"),
    [
        ("cve.any.kept>0", "kept", False),
        ("cve.any.kept>0", "removed", True),
        ("vulnerabilities>0", "partially kept", False),
        ("vulnerabilities>0", "removed", True),
        ("cve.any.removed>9", "removed", False),
        ("cve.any.removed>9", "unknown", True),
    ],
)
def test_no_data_of_what_is_counted_is_no_figure(rule: str, state: str, is_silent: bool) -> None:
    report = {
        "vulnerabilities": {
            "found": [],
            "no_data": [{"ecosystem": "deb", "packages": ["x 1"], "because": "none"}],
        },
        "packages": [{"ecosystem": "deb", "name": "x", "version": "1", "state": state}],
    }
    if is_silent:
        require(report, rule)
        return
    with pytest.raises(PolicyError, match="there is no data on it"):
        require(report, rule)


@pytest.mark.parametrize("subject", sorted(set(gates.VULNERABILITIES) - OF_RUNTIME))
def test_a_doubt_is_about_every_vulnerability(subject: str) -> None:
    known: dict[str, Any] = {"found": [], "doubts": ["it is about another image"], "no_data": []}
    with pytest.raises(PolicyError, match="there is no data on it"):
        require({"vulnerabilities": known}, f"{subject}>0")


def test_what_is_known_is_enough_for_a_rule_against_more() -> None:
    """By default rules are silent without data; with two that are high they are not."""
    report = {"vulnerabilities": VULNERABILITIES | {"doubts": ["a database was not read"]}}
    said = r"cve.high.kept>0: it is 2 at least, and there is no data on the rest\n  CVE-2 \(high\)"
    with pytest.raises(PolicyError, match=said):
        require(report, "cve.high.kept>0")
    rule = replace(gates.parse("cve.high.kept>=2"), is_of_data=True)
    assert len(judge(report, Policy(gates=(rule,)), TODAY).violations) == 3
    ignored = Ignore("CVE-2", "not reached", "us", TODAY)
    assert judge(report, Policy((rule,), (ignored,)), TODAY).violations == ()
    for rest in ("cve.high.kept>2", "cve.high.kept<9", "cve.high.kept==2", "cve.high.kept!=1"):
        with pytest.raises(PolicyError, match="there is no data on it"):
            require(report, rest)


@pytest.mark.parametrize(
    "rule", ["cve.high.kept>0", "vulnerabilities>0", "differences>0", "missed_system_calls>0"]
)
def test_where_there_is_no_data_the_answer_is_no(rule: str) -> None:
    nothing: dict[str, Any] = {
        "vulnerabilities": None,
        "metrics": [],
        "comparison": {"is_compared": False},
        "verification": None,
    }
    with pytest.raises(PolicyError, match="there is no data on it"):
        require(nothing, rule)


def attacked(**results: str) -> dict[str, Any]:
    rows = [
        {"id": name, "name": name, "technique": "T1", "result": result, "because": "seen"}
        for name, result in results.items()
    ]
    return {"scenarios": rows}


def test_attacks_are_counted_one_by_one_and_together() -> None:
    report = attacked(shell="blocked by absence", listen="not blocked", mount="not run")
    require(report, "scenarios.shell.not_blocked>0")
    with pytest.raises(PolicyError, match=r"it is 1\n  listen \(T1\): seen"):
        require(report, "scenarios.listen.not_blocked>0")
    with pytest.raises(PolicyError, match="it is 1"):
        require(attacked(shell="blocked by absence", listen="not blocked"), EVERY_ATTACK)


@pytest.mark.parametrize("rule", ["scenarios.mount.not_blocked>0", "scenarios.not_blocked>0"])
def test_an_attack_that_was_not_run_is_no_data(rule: str) -> None:
    with pytest.raises(PolicyError, match="there is no data on it"):
        require(attacked(shell="blocked by absence", mount="not run"), rule)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("shels>0", "did you mean shells"),
        ("shells", "write SUBJECT OPERATOR NUMBER"),
        ("shells>-1", "write SUBJECT OPERATOR NUMBER"),
        ("shells>0,setuid>0", "write SUBJECT OPERATOR NUMBER"),
        ("zzz>0", "known: files"),
        ("cve.epss-0.kept>0", "did you mean cve.epss-"),
        ("cve.fixable>0", "did you mean cve.fixable.kept"),
    ],
)
def test_a_mistake_is_met_with_what_to_write(text: str, hint: str) -> None:
    with pytest.raises(Dock2ukError) as caught:
        gates.parse(text)
    assert hint in str(caught.value.hint)
    assert caught.value.exit_status == 1


def test_more_evidence_than_can_be_read_is_counted() -> None:
    many = {"found": [finding(number, "low", "kept") for number in range(13)]}
    with pytest.raises(PolicyError, match="and 3 more"):
        require({"vulnerabilities": many}, "cve.low.kept>0")
