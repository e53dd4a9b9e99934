"""`--fail-on`: rules about the report that a deployment may depend on; status 2 when one says no.

A rule is `SUBJECT OPERATOR NUMBER`: a figure of the report after the conversion, such as `shells>0`
or `kernel_bytes>=700000`; `cve.high.kept>0` counts vulnerabilities of packages of which something
is kept, for a kept file may have them, `cve.epss-10.kept>0` those with EPSS of 10 % or more, and
`cve.new>0` those that the runtime brings; `scenarios.shell.not_blocked>0` is about one attack and
`scenarios.not_blocked>5` about all. Where there is no data, a rule about it says no: nothing was
shown. Where there is some, it is enough for a rule that says no to more than is known already.
Nothing here changes what is made.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import Dock2ukError
from .scenarios import SCENARIOS, Result
from .vulnerability_figures import FIGURES, KINDS, counted, line

# What a run of the container shows: of the guest there is no figure, or with a traced run alone.
_OF_CONTAINER = (
    "written_paths", "root_writes", "processes_at_rest", "forks_after_ready", "execs_after_ready",
    "bound_as_root",
)  # fmt: skip
# Figures of the report by their ids.
METRICS = (
    "files", "bytes", "elf_executable", "elf_library", "shells", "package_managers", "setuid",
    "setgid", "capabilities", "world_writable", "interpreters", "network_tools",
    "living_off_the_land", "executables", "scripts", "modules", "code_bytes", "return_bytes",
    "elf_unhardened", "elf_no_pie", "elf_no_relro", "elf_no_full_relro", "elf_no_bind_now",
    "elf_no_nx_stack", "elf_no_canary", "elf_no_fortify", "elf_no_ibt", "elf_no_shstk",
    "elf_search_path", "elf_open_search_path",
    "accounts", "login_accounts", "root_accounts", "password_hashes", "empty_passwords",
    "locked_passwords", "privilege_rules", "scheduled", "begins_as_root", "runs_as_root",
    "writable_directories", "undeclared_ports", "child_programs",
    "secrets", "files_in_layers", "packages", *FIGURES, "kernel_bytes", "kernel_code",
    "archive_bytes", "system_calls", "system_calls_seen", "system_calls_lacking", "drivers",
    "effective_capabilities", *_OF_CONTAINER,
)  # fmt: skip
_CVES = {f"cve.{kind}.{left}": (kind, left) for kind in KINDS for left in ("kept", "removed")}
VULNERABILITIES: Mapping[str, tuple[str, str]] = {
    **FIGURES, **_CVES, "cve.partial": ("any", "partial"), "cve.new": ("any", "new"),
}  # fmt: skip
EACH_ATTACK = tuple(f"scenarios.{one.id}.not_blocked" for one in SCENARIOS)
_ATTACKS = ("scenarios.not_blocked", *EACH_ATTACK)
_OTHERS = ("differences", "effective_uid", "missed_system_calls")
SUBJECTS = (*METRICS, *VULNERABILITIES, *_ATTACKS, *_OTHERS)
_OPERATORS = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt,
    "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_RULE = re.compile(r"\s*([a-z0-9_.-]+)\s*(>=|<=|==|!=|>|<)\s*([0-9]{1,18})\s*")
_PATTERNS = (
    "cve.SEVERITY.kept", "cve.fixable.kept", "cve.known-exploited.kept", "cve.epss-PERCENT.kept",
    "the same with removed", "cve.partial", "cve.new", "scenarios.ID.not_blocked",
    "scenarios.not_blocked",
)  # fmt: skip
_SHOWN = 10
_CUT = re.compile(r"and [0-9]+ more")  # of older reports: now it is a number beside the list
_OWNER = re.compile(r" \([0-7]{4,5} [0-9]+:[0-9]+\)$")
_OFFSET = re.compile(r", (?:byte|line) [0-9]+$")


@dataclass(frozen=True, slots=True)
class Gate:
    """A rule that must not hold."""

    text: str
    subject: str
    operator: str
    number: int
    is_of_data: bool = False  # says nothing where there is no data


@dataclass(frozen=True, slots=True)
class Entry:
    """One of what is counted. What shares an identity is the same in two reports, whatever else the
    line says of it; `names` are those that it can be ignored by."""

    line: str
    identities: frozenset[str]
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Figure:
    """What a subject comes to. A list that was cut has fewer entries."""

    value: int | None  # None: there is no data, or of the entries alone
    entries: tuple[Entry, ...] = ()

    @property
    def evidence(self) -> tuple[str, ...]:
        return tuple(one.line for one in self.entries)

    @property
    def is_whole(self) -> bool:
        return len(self.entries) == self.value


def parse(text: str) -> Gate:
    """One rule as the user writes it; Dock2ukError where it cannot be understood."""
    match = _RULE.fullmatch(text)
    if match is None:
        hint = "write SUBJECT OPERATOR NUMBER, such as shells>0, setuid>0 or cve.high.kept>0"
        raise Dock2ukError(f"not a rule: {text!r}", hint=hint)
    subject, sign, number = match.groups()
    if subject not in SUBJECTS:
        near = difflib.get_close_matches(subject, SUBJECTS, n=3)
        known = ", ".join((*METRICS, *_PATTERNS, *_OTHERS))
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {known}"
        raise Dock2ukError(f"not a rule: {text!r}: {subject} is not in the report", hint=hint)
    return Gate(text.strip(), subject, sign, int(number))


def violation(gate: Gate, found: Figure) -> Iterator[str]:
    """What a rule that holds says, with what the report has on it."""
    holds = _OPERATORS[gate.operator]
    if found.value is not None and holds(found.value, gate.number):
        yield f"{gate.text}: it is {found.value}"
        yield from shown(found.evidence)
    elif found.value is None and _is_enough(gate, len(found.entries)):
        yield f"{gate.text}: it is {len(found.entries)} at least, and there is no data on the rest"
        yield from shown(found.evidence)
    elif found.value is None and not gate.is_of_data:
        yield f"{gate.text}: there is no data on it"


def _is_enough(gate: Gate, least: int) -> bool:
    """Whether the rule holds however many more there are."""
    return gate.operator in (">", ">=") and _OPERATORS[gate.operator](least, gate.number)


def shown(evidence: Sequence[str]) -> Iterator[str]:
    """As much of it as is read."""
    yield from (f"  {one}" for one in evidence[:_SHOWN])
    if len(evidence) > _SHOWN:
        yield f"  and {len(evidence) - _SHOWN} more"


def figure(subject: str, document: Mapping[str, Any]) -> Figure:
    """What the report has on a subject, after the conversion where that is known at all."""
    if subject in VULNERABILITIES:
        return _vulnerabilities(document, *VULNERABILITIES[subject])
    if subject == "secrets" and document.get("secrets") is not None:  # not in older reports
        return _secrets(document["secrets"])
    if subject in _ATTACKS:
        return _attacks(subject, document.get("scenarios", ()))  # older reports have none
    if subject == "differences":
        return _differences(document["comparison"])
    if subject == "effective_uid":
        return Figure(document["entrypoint"]["uid"])
    if subject == "missed_system_calls":
        verification = document["verification"]
        missed = verification["missed_system_calls"] if verification is not None else None
        return _listed(missed)
    found = [metric for metric in document["metrics"] if metric["id"] == subject]
    side = "before" if subject in _OF_CONTAINER else "after"
    return _metric(found[0][side], found[0]["evidence"][side]) if found else Figure(None)


def _metric(value: int | None, lines: Sequence[str]) -> Figure:
    """A path is the same whatever its mode and owner; the line that says how many more there are,
    where an older report has cut its list, is none of them."""
    listed = [one for one in lines if not _CUT.fullmatch(one)] if value is not None else []
    return Figure(value, tuple(Entry(one, frozenset({_OWNER.sub("", one)})) for one in listed))


def _secrets(found: Sequence[Mapping[str, Any]]) -> Figure:
    """Those that are counted (`report/secret_findings.py`). The same value is the same secret in
    another line of its file."""
    kept = [one for one in found if one["is_kept"] and one["published_with"] is None]
    entries = [
        Entry(
            f"{one['kind']} in {one['place']} (sha256 {one['sha256_begins']}…)",
            frozenset({f"{one['kind']} {_OFFSET.sub('', one['place'])} {one['sha256_begins']}"}),
        )
        for one in kept
    ]
    return Figure(len(entries), tuple(entries))


def _vulnerabilities(document: Mapping[str, Any], kind: str, left: str) -> Figure:
    if document["vulnerabilities"] is None:
        return Figure(None)
    known = counted(document, kind, left)
    return Figure(known.count, tuple(map(_vulnerability, known.found)))


def _vulnerability(found: Mapping[str, Any]) -> Entry:
    """The same in another version of its package, and by any of its names."""
    names = frozenset({found["id"], *found.get("aliases", ())})
    package = _without_version(found["package"])
    return Entry(line(found), frozenset(f"{name} {package}" for name in names), names)


def _without_version(package: str) -> str:
    """Of a purl: `@` stands before the version alone, elsewhere it is encoded (purl-spec)."""
    if package.startswith("pkg:"):
        return package.partition("?")[0].partition("@")[0]
    return package.partition(" ")[0]


def _differences(comparison: Mapping[str, Any]) -> Figure:
    if not comparison["is_compared"]:
        return Figure(None)
    rows = comparison["answers"]
    return _listed([f"{row['question']}: {one}" for row in rows for one in row["differences"]])


def _attacks(subject: str, scenarios: Sequence[Mapping[str, Any]]) -> Figure:
    """Of one scenario, or of all; there is no data where one of them was not run."""
    _, *ids, _ = subject.split(".")
    asked = [one for one in scenarios if not ids or one["id"] in ids]
    if not asked or any(one["result"] == Result.NOT_RUN.value for one in asked):
        return Figure(None)
    through = tuple(
        Entry(f"{one['name']} ({one['technique']}): {one['because']}", frozenset({one["id"]}))
        for one in asked
        if one["result"] == Result.NOT_BLOCKED.value
    )
    return Figure(len(through), through)


def _listed(found: Sequence[str] | None) -> Figure:
    return Figure(None) if found is None else _metric(len(found), found)
