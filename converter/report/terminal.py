"""The report as a table for a terminal, rendered from the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from .. import printable
from ..vulnerability_figures import no_data
from .amounts import amount, change

_SHOWN_UNREAD = 5  # an application can have a hundred jars without a version
_RESULTS = {"not blocked": "NOT BLOCKED"}


def summary(document: Mapping[str, Any]) -> RenderableType:
    """Everything a person needs first; the evidence is in report.json."""
    document = printable.values({name: document[name] for name in document.keys() - {"files"}})
    return Group(_heading(document), _table(document), *_remarks(document))


def _heading(document: Mapping[str, Any]) -> Text:
    entrypoint = document["entrypoint"]
    text = Text(document["source"]["reference"], style="bold")
    text.append(f"  {document['source']['digest'][:19]}\n", style="dim")
    text.append(f"runs {entrypoint['exe']}: {' '.join(entrypoint['argv'])}\n", style="default")
    return text


def _table(document: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for heading in ("before", "after", "change"):
        table.add_column(heading, justify="right")
    for metric in document["metrics"]:
        table.add_row(
            metric["name"],
            amount(metric["before"], metric["unit"]),
            amount(metric["after"], metric["unit"]),
            _change(metric["before"], metric["after"]),
        )
    return table


def _change(before: int | None, after: int | None) -> Text:
    if before is None or after is None:
        return Text("")
    return Text(change(before, after), style="green" if after < before else "red")


def _remarks(document: Mapping[str, Any]) -> list[RenderableType]:
    lines = [
        *_start_up(document["entrypoint"]),
        *(f"recipe {r['name']}: {r['change']}" for r in document["entrypoint"]["recipes"]),
        *(f"lost: {loss['name']}" for loss in document["losses"]),
        *_secrets(document["secrets"]),
        *_packages(document),
        _verified(document["verification"]),
        *_missed(document["verification"]),
        *_compared(document["comparison"]),
        *_attacks(document["scenarios"]),
    ]
    return [Text.from_markup(escape(line)) for line in ["", *lines]]


def _secrets(secrets: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those that are in the unikernel, each; the others are counted above."""
    kept = [one for one in secrets if one["is_kept"] and one["published_with"] is None]
    return [f"A SECRET IS KEPT: {one['kind']} in {one['place']}" for one in kept]


def _packages(document: Mapping[str, Any]) -> list[str]:
    """Where packages may be that nobody counted, and vulnerabilities that nobody looked for."""
    places = document["packages_unread"]
    unread = [
        f"PACKAGES NOT READ: {one['path']}: {one['because']}" for one in places[:_SHOWN_UNREAD]
    ]
    if len(places) > _SHOWN_UNREAD:
        unread.append(f"PACKAGES NOT READ: {len(places) - _SHOWN_UNREAD} more in report.json")
    known = document["vulnerabilities"]
    if known is None:
        return [*unread, "vulnerabilities: no data (--vulns, --vuln-db)"]
    states = Counter(one["state"] for one in known["found"])
    counts = ", ".join(f"{count} in packages {state}" for state, count in sorted(states.items()))
    missing = no_data(known)
    said = [counts] if counts else [] if missing else ["none is known"]
    return [
        *unread, *_exploited(known["found"]),
        *(f"vulnerabilities: {one}" for one in (*said, *missing)),
    ]  # fmt: skip


def _exploited(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those that attackers are known to use, of packages that are not removed."""
    left = [one for one in found if one.get("known_exploited") and one["state"] != "removed"]
    return [
        f"KNOWN TO BE EXPLOITED: {one['id']} of {one['package']}: {one['state']}" for one in left
    ]


def _start_up(entrypoint: Mapping[str, Any]) -> list[str]:
    """How the program was found, and what of its start-up goes in or stays out."""
    lines = [f"found by: {entrypoint['method']} ({entrypoint['confidence']})"]
    if entrypoint["changes"]:
        lines.append(
            f"start-up changed {len(entrypoint['changes'])} paths, as entrypoint.json says"
        )
    for difference in entrypoint["differences"]:
        done = "baked in" if difference["is_baked"] else "left out"
        lines.append(f"{difference['kind']}, {done}: {difference['subject']}")
    names = [entry.partition("=")[0] for entry in entrypoint["env"]]
    return [*lines, f"environment: {', '.join(names)}"] if names else lines


def _missed(verification: Mapping[str, Any] | None) -> list[str]:
    """What may be why a program behaves otherwise than in its container."""
    calls = verification["missed_system_calls"] if verification is not None else []
    return [f"not in the image and asked for: {', '.join(calls)} (ENOSYS)"] if calls else []


def _verified(verification: Mapping[str, Any] | None) -> str:
    if verification is None:
        return "not verified: it was not booted"
    answers = "; ".join(f"{p['question']}: {p['answer']}" for p in verification["probes"])
    verdict = "verified" if verification["is_passed"] else "VERIFICATION FAILED"
    return f"{verdict} on {verification['machine']} ({verification['accelerator']}): {answers}"


def _compared(comparison: Mapping[str, Any]) -> list[str]:
    """What the container says otherwise; what it does not say twice is in report.json."""
    if not comparison["is_compared"]:
        return [f"not compared with the container: {comparison['reason']}"]
    answers = comparison["answers"]
    differences = [
        f"OTHERWISE THAN THE CONTAINER: {answer['question']}: {difference}"
        for answer in answers
        for difference in answer["differences"]
    ]
    same = sum(not answer["differences"] for answer in answers)
    return [f"answers as the container does: {same} of {len(answers)} questions", *differences]


def _attacks(scenarios: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each result, with the attacks that had it; the steps are in report.json."""
    by_result: dict[str, list[str]] = {}
    for one in scenarios:
        by_result.setdefault(one["result"], []).append(f"{one['name']} ({one['technique']})")
    if by_result.keys() == {"not run"}:
        reasons = dict.fromkeys(one["because"] for one in scenarios)
        return [f"not attacked: {'; '.join(reasons)}"]
    return [
        f"attacks {_RESULTS.get(result, result)}: {'; '.join(names)}"
        for result, names in sorted(by_result.items())
    ]
