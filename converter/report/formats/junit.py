"""JUnit's XML, as CI servers read it: a case for each rule, and for each attack that was tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from ...vulnerability_figures import no_data
from .findings import RULES, Finding, findings, unlisted
from .text import one_line

_SHOWN = 100
_BY_CASES = ("attack-not-blocked",)  # rules whose findings have a case each


def render(document: Mapping[str, Any]) -> str:
    """A case fails with what was found; where nothing was looked at it is skipped."""
    found = list(findings(document))
    partly = _partly(document)
    skipped, more = partly | _skipped(document), unlisted(document)
    suite = ElementTree.Element(
        "testsuite", name=one_line(f"dock2uk {document['source']['reference']}")
    )
    for rule, (_, title, _) in RULES.items():
        if rule in _BY_CASES:
            continue
        case = ElementTree.SubElement(suite, "testcase", classname="dock2uk", name=rule)
        of_rule = [one for one in found if one.rule == rule]
        if of_rule:
            _fail(case, title, of_rule, len(of_rule) + more.get(rule, 0))
        elif rule in skipped:
            ElementTree.SubElement(case, "skipped", message=one_line(skipped[rule]))
        if of_rule and rule in partly:
            ElementTree.SubElement(case, "system-out").text = one_line(partly[rule])
    for scenario in document["scenarios"]:
        _attack_case(suite, scenario)
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("errors", "0")
    suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
    ElementTree.indent(suite)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, "unicode") + "\n"
    )


def _attack_case(suite: ElementTree.Element, scenario: Mapping[str, Any]) -> None:
    """What came of it, and no failure: some of it is so in every unikernel, and a policy says which
    is not borne."""
    case = ElementTree.SubElement(
        suite, "testcase", classname="dock2uk.scenarios", name=scenario["id"]
    )
    said = one_line(f"{scenario['name']} ({scenario['technique']}): {scenario['because']}")
    if scenario["result"] == "not run":
        ElementTree.SubElement(case, "skipped", message=said)
    else:
        ElementTree.SubElement(case, "system-out").text = f"{scenario['result']}: {said}"


def _fail(case: ElementTree.Element, title: str, found: Sequence[Finding], count: int) -> None:
    """`count` is of those too that the report does not list."""
    failure = ElementTree.SubElement(case, "failure", message=f"{title}: {count}")
    shown = [one_line(one.message) for one in found[:_SHOWN]]
    more = [f"and {count - len(shown)} more"] if count > len(shown) else []
    failure.text = "\n".join([*shown, *more])


def _partly(document: Mapping[str, Any]) -> dict[str, str]:
    """Rule -> what nobody looked at; where nothing was found in the rest, that is no pass."""
    missing = no_data(document["vulnerabilities"])
    return {"vulnerability-kept": "; ".join(missing)} if missing else {}


def _skipped(document: Mapping[str, Any]) -> dict[str, str]:
    """Rule -> why nobody looked."""
    skipped: dict[str, str] = {}
    if document["verification"] is None:
        skipped |= dict.fromkeys(("verification-failed", "missed-system-call"), "it was not booted")
    if not document["comparison"]["is_compared"]:
        skipped["differs-from-container"] = document["comparison"]["reason"]
    if document["vulnerabilities"] is None:
        skipped["vulnerability-kept"] = "no data on vulnerabilities was given"
    return skipped
