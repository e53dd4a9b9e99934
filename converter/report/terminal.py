"""The report as a table for a terminal, rendered from the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

_KIB, _MIB = 1 << 10, 1 << 20


def summary(document: Mapping[str, Any]) -> RenderableType:
    """Everything a person needs first; the evidence is in report.json."""
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
            _amount(metric["before"], metric["unit"]),
            _amount(metric["after"], metric["unit"]),
            _change(metric["before"], metric["after"]),
        )
    return table


def _amount(value: int | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit != "bytes":
        return f"{value:,}"
    if value >= _MIB:
        return f"{value / _MIB:.1f} MiB"
    return f"{value / _KIB:.0f} KiB"


def _change(before: int | None, after: int | None) -> Text:
    if before is None or after is None or before == after:
        return Text("")
    if before == 0:
        return Text("new", style="red")
    style = "green" if after < before else "red"
    return Text(f"{100 * (after - before) / before:+.0f} %", style=style)


def _remarks(document: Mapping[str, Any]) -> list[RenderableType]:
    lines = [
        *(f"recipe {r['name']}: {r['change']}" for r in document["entrypoint"]["recipes"]),
        *(f"lost: {loss['name']}" for loss in document["losses"]),
        _verified(document["verification"]),
        *_missed(document["verification"]),
    ]
    return [Text.from_markup(escape(line)) for line in ["", *lines]]


def _missed(verification: Mapping[str, Any] | None) -> list[str]:
    """What may be why a program behaves otherwise than in its container."""
    calls = verification["missed_system_calls"] if verification is not None else []
    return [f"not in the image and asked for: {', '.join(calls)} (ENOSYS)"] if calls else []


def _verified(verification: Mapping[str, Any] | None) -> str:
    if verification is None:
        return "not verified: it was not booted"
    answers = "; ".join(f"{p['request']}: {p['answer']}" for p in verification["probes"])
    verdict = "verified" if verification["is_passed"] else "VERIFICATION FAILED"
    return f"{verdict} on {verification['machine']} ({verification['accelerator']}): {answers}"
