"""What a deployment may depend on: rules about the report (`gates`), a report that the new one must
not be worse than, and what is ignored for a while, by whom and why.

Worse is: a setuid file, shell, account, secret or vulnerability that was not there, even if another
went; more of what an attacker counts; an answer that the container does not give, an attack that
was blocked before. A file is known by its path, a vulnerability by its names and its package
whatever the version. Where a report has cut its list, numbers are compared, and that is said. Sizes
and numbers of files change with every release: `--fail-on` has rules for those.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import gates, stored_report
from .errors import PolicyError
from .gates import Entry, Figure, Gate

# What a careful team asks of a service that is deployed; without data the last say nothing.
DEFAULT = tuple(
    gates.parse(rule)
    for rule in (
        "shells>0", "package_managers>0", "setuid>0", "setgid>0", "capabilities>0",
        "world_writable>0", "login_accounts>0", "password_hashes>0", "empty_passwords>0",
        "secrets>0",
    )
) + tuple(
    replace(gates.parse(rule), is_of_data=True)
    for rule in (
        # Of an unknown severity nobody said that it is low.
        "cve.critical.kept>0", "cve.high.kept>0", "cve.unknown.kept>0",
        "differences>0", "missed_system_calls>0",
        "scenarios.shell.not_blocked>0",
    )
)  # fmt: skip
POLICIES: Mapping[str, tuple[Gate, ...]] = {"default": DEFAULT}

_COMPARED = (
    "elf_executable", "elf_library", "shells", "package_managers", "setuid", "setgid",
    "capabilities", "world_writable", "interpreters", "network_tools", "living_off_the_land",
    "scripts", "modules", "elf_unhardened", "secrets", "accounts", "login_accounts",
    "root_accounts", "password_hashes", "empty_passwords", "privilege_rules", "scheduled",
    "runs_as_root", "undeclared_ports",
    "packages", "system_calls", "system_calls_lacking", "drivers", "cve.any.kept", "differences",
    "missed_system_calls",
    *gates.EACH_ATTACK,
)  # fmt: skip
# What is worse when it is another, not only when it is more. The names of programs and libraries
# carry versions: of those, as of all others, the number is compared.
_BY_IDENTITY = frozenset({
    "shells", "package_managers", "setuid", "setgid", "capabilities", "world_writable",
    "network_tools", "living_off_the_land", "secrets", "accounts", "login_accounts",
    "root_accounts", "password_hashes", "empty_passwords", "privilege_rules", "scheduled",
    "undeclared_ports", "cve.any.kept", "missed_system_calls", *gates.EACH_ATTACK,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ignore:
    """What no rule looks at until a day: a vulnerability, or a figure of the report, by its id."""

    id: str
    reason: str
    owner: str
    expires: datetime.date


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier report."""

    name: str  # as the user typed it
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Policy:
    gates: tuple[Gate, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    baseline: Baseline | None = None
    sources: tuple[str, ...] = ()  # where the rules stand

    @property
    def text(self) -> str:
        """One line; empty where there is no rule."""
        rules = [gate.text for gate in self.gates]
        rules += [f"not worse than {self.baseline.name}"] if self.baseline else []
        return f"policy ({', '.join(self.sources)}): {', '.join(rules)}" if rules else ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say; `notes` are to be told whatever it is."""

    violations: tuple[str, ...]
    notes: tuple[str, ...]

    def require_passed(self) -> None:
        if self.violations:
            raise PolicyError(
                "the policy says no:\n" + "\n".join(self.violations),
                hint="report.json has the evidence; the bundle is kept",
            )


def read_baseline(path: Path) -> Baseline:
    """A report.json, or the one of a bundle."""
    return Baseline(str(path), stored_report.read(path))


def judge(document: Mapping[str, Any], policy: Policy, today: datetime.date) -> Verdict:
    """Hold the report against the rules."""
    live = [one for one in policy.ignores if one.expires >= today]
    seen: set[str] = set()
    figure_of = _Figures(document, {one.id for one in live}, seen)
    violations = [line for gate in policy.gates for line in _violation(gate, figure_of)]
    notes = []
    if policy.baseline is not None:
        changes = list(_changes(policy.baseline, figure_of))
        violations += [line for one in changes for line in one.violations]
        notes += [line for one in changes for line in one.notes]
    notes += [
        f"ignored until {one.expires}: {one.id}: {one.reason} ({one.owner})"
        if one.id in seen
        else f"nothing to ignore: {one.id} of {one.owner} is not there; take it out"
        for one in live
    ]
    notes += [
        f"NO LONGER IGNORED since {one.expires}: {one.id}: {one.reason} ({one.owner})"
        for one in policy.ignores
        if one.expires < today
    ]
    return Verdict(tuple(violations), tuple(notes))


@dataclass(frozen=True, slots=True)
class _Figures:
    """Figures of a report without what is ignored; `seen` is filled with what was."""

    document: Mapping[str, Any]
    ignored: set[str]
    seen: set[str]

    def __call__(self, subject: str) -> Figure | None:
        """None: all of it is ignored."""
        if subject in self.ignored:
            self.seen.add(subject)
            return None
        figure = gates.figure(subject, self.document)
        if subject not in gates.VULNERABILITIES:
            return figure
        left = [one for one in figure.entries if not self._is_ignored(one)]
        return Figure(len(left) if figure.value is not None else None, tuple(left))

    def _is_ignored(self, entry: Entry) -> bool:
        named = entry.names & self.ignored
        self.seen.update(named)
        return bool(named)


def _violation(gate: Gate, figure_of: _Figures) -> Iterator[str]:
    figure = figure_of(gate.subject)
    if figure is not None:
        yield from gates.violation(gate, figure)


def _changes(baseline: Baseline, figure_of: _Figures) -> Iterator[Verdict]:
    before_of = replace(figure_of, document=baseline.document, seen=set())
    for subject in _COMPARED:
        before, after = before_of(subject), figure_of(subject)
        if before is not None and after is not None and before.value is not None:
            yield _change(subject, before, before.value, after)  # else ignored, or nobody knew


def _change(subject: str, before: Figure, count: int, after: Figure) -> Verdict:
    if after.value is None:
        return Verdict((f"{subject}: {count} before, and now there is no data on it",), ())
    known = {identity for one in before.entries for identity in one.identities}
    new = [one.line for one in after.entries if not one.identities & known]
    has_identities = subject in _BY_IDENTITY
    are_whole = before.is_whole and after.is_whole
    notes = (_cut(subject, before, count, after),) if has_identities and not are_whole else ()
    is_another = has_identities and before.is_whole and bool(new)
    is_more = after.value > count and not (has_identities and are_whole)
    if not (is_another or is_more):
        return Verdict((), notes)
    lines = gates.shown(new) if before.is_whole else ()
    return Verdict((f"{subject}: {count} before, {after.value} now", *lines), notes)


def _cut(subject: str, before: Figure, count: int, after: Figure) -> str:
    what = "numbers alone" if not before.is_whole else "numbers, and what is listed"
    return (
        f"{subject}: the reports list {len(before.entries)} of {count} before and "
        f"{len(after.entries)} of {after.value} now: {what} were compared"
    )
