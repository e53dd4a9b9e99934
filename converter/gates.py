"""`--fail-on`: rules about the report that a deployment may depend on; status 2 when one says no.

A rule is `SUBJECT OPERATOR NUMBER`: a figure of the report after the conversion, such as `shells>0`
or `kernel_bytes>=700000`; `cve.high.kept>0` counts vulnerabilities of packages of which something
is kept, for a kept file may have them. Where there is no data, a rule about it says no: nothing was
shown. Nothing here changes what is made.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import Dock2ukError, PolicyError

# Figures of the report by their ids.
METRICS = (
    "files", "bytes", "elf_executable", "elf_library", "shells", "package_managers", "setuid",
    "setgid", "capabilities", "world_writable", "secrets", "files_in_layers", "accounts",
    "login_accounts", "password_hashes", "packages", "vulnerabilities", "kernel_bytes",
    "kernel_code", "archive_bytes", "system_calls", "drivers",
)  # fmt: skip
_SEVERITIES = ("any", "critical", "high", "medium", "low", "negligible", "unknown")
_CVES = tuple(f"cve.{severity}.{left}" for severity in _SEVERITIES for left in ("kept", "removed"))
_OTHERS = ("differences", "effective_uid", "missed_system_calls")
SUBJECTS = (*METRICS, *_CVES, *_OTHERS)
_OPERATORS = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt,
    "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_RULE = re.compile(r"\s*([a-z_.]+)\s*(>=|<=|==|!=|>|<)\s*([0-9]{1,18})\s*")
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Gate:
    """A rule that must not hold."""

    text: str
    subject: str
    operator: str
    number: int


@dataclass(frozen=True, slots=True)
class _Figure:
    """What a subject comes to; None: there is no data."""

    value: int | None
    evidence: tuple[str, ...] = ()


def parse(text: str) -> Gate:
    """One rule as the user writes it; Dock2ukError where it cannot be understood."""
    match = _RULE.fullmatch(text)
    if match is None:
        hint = "write SUBJECT OPERATOR NUMBER, such as shells>0, setuid>0 or cve.high.kept>0"
        raise Dock2ukError(f"not a rule: {text!r}", hint=hint)
    subject, sign, number = match.groups()
    if subject not in SUBJECTS:
        near = difflib.get_close_matches(subject, SUBJECTS, n=3)
        known = ", ".join((*METRICS, "cve.SEVERITY.kept", "cve.SEVERITY.removed", *_OTHERS))
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {known}"
        raise Dock2ukError(f"not a rule: {text!r}: {subject} is not in the report", hint=hint)
    return Gate(text.strip(), subject, sign, int(number))


def require_passed(document: Mapping[str, Any], gates: Sequence[Gate]) -> None:
    """PolicyError with every rule that holds, and what the report has on it."""
    violated = [line for gate in gates for line in _violation(gate, document)]
    if violated:
        raise PolicyError(
            "the policy says no:\n" + "\n".join(violated),
            hint="report.json has the evidence; --fail-on and .dock2uk.toml have the rules",
        )


def _violation(gate: Gate, document: Mapping[str, Any]) -> Iterator[str]:
    figure = _figure(gate.subject, document)
    if figure.value is None:
        yield f"{gate.text}: there is no data on it"
    elif _OPERATORS[gate.operator](figure.value, gate.number):
        yield f"{gate.text}: it is {figure.value}"
        yield from (f"  {one}" for one in figure.evidence[:_SHOWN])
        if len(figure.evidence) > _SHOWN:
            yield f"  and {len(figure.evidence) - _SHOWN} more"


def _figure(subject: str, document: Mapping[str, Any]) -> _Figure:
    if subject in _CVES:
        return _cves(subject, document["vulnerabilities"])
    if subject == "differences":
        return _differences(document["comparison"])
    if subject == "effective_uid":
        return _Figure(document["entrypoint"]["uid"])
    if subject == "missed_system_calls":
        verification = document["verification"]
        missed = verification["missed_system_calls"] if verification is not None else None
        return _listed(missed)
    found = [metric for metric in document["metrics"] if metric["id"] == subject]
    return (
        _Figure(found[0]["after"], tuple(found[0]["evidence"]["after"])) if found else _Figure(None)
    )


def _cves(subject: str, vulnerabilities: Mapping[str, Any] | None) -> _Figure:
    if vulnerabilities is None:
        return _Figure(None)
    _, severity, left = subject.split(".")
    return _listed(
        [
            f"{found['id']} ({found['severity']}) of {found['package']}: {found['state']}"
            for found in vulnerabilities["found"]
            if severity in ("any", found["severity"])
            and (found["state"] == "removed") is (left == "removed")
        ]
    )


def _differences(comparison: Mapping[str, Any]) -> _Figure:
    if not comparison["is_compared"]:
        return _Figure(None)
    rows = comparison["answers"]
    return _listed([f"{row['question']}: {one}" for row in rows for one in row["differences"]])


def _listed(found: Sequence[str] | None) -> _Figure:
    return _Figure(None) if found is None else _Figure(len(found), tuple(found))
