"""A difference on a terminal, in Markdown and as JSON, each from the document alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..amounts import amount, change
from ..formats import as_json
from ..formats.markdown import escaped, folded, table
from ..formats.text import visible

_SHOWN = 20
_DIGEST = re.compile("(sha256:[0-9a-f]{12})[0-9a-f]*")


def summary(document: Mapping[str, Any]) -> RenderableType:
    """The numbers, and the beginning of each list."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("")
    for heading in ("first", "second", "change"):
        shown.add_column(heading, justify="right")
    for row in document["metrics"]:
        style = "red" if (row["second"] or 0) > (row["first"] or 0) else "green"
        shown.add_row(*_cells(row), Text(change(row["first"], row["second"]), style=style))
    lines = [Text(visible(line)) for line in _lines(document)]
    return Group(Text("\n".join(_headings(document)) + "\n"), shown, Text(""), *lines)


def _headings(document: Mapping[str, Any]) -> Iterator[str]:
    for which in ("first", "second"):
        side = document[which]
        yield f"{which}: {visible(side['name'])}, {side['kind']} {side['digest'][:19]}"


def _cells(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["name"], amount(row["first"], row["unit"]), amount(row["second"], row["unit"])


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    for title, rows in _lists(document):
        yield f"{title}: {len(rows)}"
        yield from (f"  {row}" for row in rows[:_SHOWN])
        if len(rows) > _SHOWN:
            yield f"  and {len(rows) - _SHOWN} more (--report json=PATH has all)"
    yield from _silences(document)


def _lists(document: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str]]]:
    """What is listed, by its title; nothing that is empty."""
    packages, files = document["packages"], document["files"]
    known = document["vulnerabilities"] or {"gone": (), "new": ()}
    rows = {
        "packages gone": [_package(one) for one in packages["gone"]],
        "packages new": [_package(one) for one in packages["new"]],
        "packages changed": [
            f"{one['name']} {', '.join(one['first'])} -> {', '.join(one['second'])}"
            for one in packages["changed"]
        ],
        "vulnerabilities gone": [_vulnerability(one) for one in known["gone"]],
        "vulnerabilities new": [_vulnerability(one) for one in known["new"]],
        **_attacks(document),
        "paths gone": files["gone"],
        "paths new": files["new"],
        "paths changed": [
            f"{one['path']}: {_short(one['first'])}, then {_short(one['second'])}"
            for one in files["changed"]
        ],
    }
    yield from ((title, found) for title, found in rows.items() if found)


def _attacks(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Those that came to something else, and what the others came to."""
    scenarios = document["scenarios"] or ()
    changed = [one for one in scenarios if one["first"] != one["second"]]
    same = [one for one in scenarios if one["first"] == one["second"]]
    return {
        "attacks that end otherwise": [
            f"{_attack(one)}: {_result(one['first'])}, then {_result(one['second'])}"
            for one in changed
        ],
        "attacks that end the same": [f"{_attack(one)}: {_result(one['first'])}" for one in same],
    }


def _attack(one: Mapping[str, str]) -> str:
    return f"{one['name']} ({one['technique']})"


def _result(result: str | None) -> str:
    return result or "not among its attacks"


def _silences(document: Mapping[str, Any]) -> Iterator[str]:
    """What was not compared."""
    if document["vulnerabilities"] is None:
        yield "vulnerabilities: not compared, there is no data on both sides"
    if document["scenarios"] is None:
        yield "attacks: not compared, nobody attacks an image"
    if not document["files"]["are_contents_compared"]:
        yield "contents of files: not compared, a bundle's report has paths alone"


def _short(described: str) -> str:
    return _DIGEST.sub(r"\1", described)


def _package(one: Mapping[str, Any]) -> str:
    return f"{one['name']} {', '.join(one['versions'])} ({one['ecosystem']})"


def _vulnerability(one: Mapping[str, str]) -> str:
    return f"{one['id']} ({one['severity']}) of {one['package']}"


def _markdown(document: Mapping[str, Any]) -> str:
    first, second = (escaped(document[which]["name"]) for which in ("first", "second"))
    parts = [f"## From {first} to {second}\n\n"]
    parts.append(table(("", "first", "second"), [_cells(row) for row in document["metrics"]]))
    parts += [
        folded(f"{title} ({len(rows)})", [escaped(row) for row in rows])
        for title, rows in _lists(document)
    ]
    parts += [f"{escaped(line)}\n\n" for line in _silences(document)]
    return "".join(parts)


FORMATS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "json": as_json.render,
    "md": _markdown,
}
