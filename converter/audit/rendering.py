"""An audit on a terminal, in Markdown, as a page and as JSON, each from the document alone."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..report.amounts import amount
from ..report.formats import as_json, html
from ..report.formats.markdown import escaped, table
from ..report.formats.text import visible

_STYLES = {
    "convertible": "green", "convertible, to be tested": "green",
    "convertible with a change": "green", "undecided": "yellow", "not convertible": "red",
    "not read": "red",
}  # fmt: skip
_SHOWN = ("files", "bytes", "setuid", "shells", "packages", "secrets")
_HEADINGS = ("image", "verdict", "program", *_SHOWN)


def summary(document: Mapping[str, Any]) -> RenderableType:
    """A row an image, with figures before and after; then what stands in the way."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        shown.add_column(heading, justify="right" if heading in _SHOWN else "left", overflow="fold")
    for row in document["images"]:
        source, verdict, *rest = map(visible, _cells(row))
        shown.add_row(Text(source), Text(verdict, style=_STYLES[row["verdict"]]), *map(Text, rest))
    reasons = [Text(f"{visible(line)}") for line in _reasons(document)]
    return Group(shown, Text(""), *reasons, Text(_counts(document)))


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return row["source"], row["verdict"], _program(row), *_figures(row)


def _program(row: Mapping[str, Any]) -> str:
    """Its file, and the name that it is started by where that is another: redis-server is a link to
    a file that is several programs."""
    if row["program"] is None:
        return ""
    exe, argv = row["program"]["exe"], row["program"]["argv"]
    name = posixpath.basename(argv[0]) if argv else ""
    return exe if name in ("", posixpath.basename(exe)) else f"{exe} as {name}"


def _figures(row: Mapping[str, Any]) -> Iterator[str]:
    by_id = {one["id"]: one for one in row["metrics"]}
    for name in _SHOWN:
        one = by_id.get(name)
        if one is None:
            yield ""
        else:
            before, after = (amount(one[when], one["unit"]) for when in ("before", "after"))
            yield f"{before} > {after}"


def _reasons(document: Mapping[str, Any]) -> Iterator[str]:
    for row in document["images"]:
        for reason in row["because"]:
            yield f"{row['source']}: {reason}"
        if row["hint"] and row["program"] is None:
            yield f"  try: {row['hint']}"


def _counts(document: Mapping[str, Any]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in document["counts"].items() if count)


def _markdown(document: Mapping[str, Any]) -> str:
    rows = [tuple(map(escaped, _cells(row))) for row in document["images"]]
    reasons = "".join(f"- {escaped(line)}\n" for line in _reasons(document))
    return f"## dock2uk audit: {_counts(document)}\n\n{table(_HEADINGS, rows)}{reasons}"


def _page(document: Mapping[str, Any]) -> str:
    return html.rendered(
        "audit.html.j2",
        audit=document,
        counts=_counts(document),
        headings=_HEADINGS,
        rows=[(row, _program(row), list(_figures(row))) for row in document["images"]],
    )


FORMATS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "html": _page, "json": as_json.render, "md": _markdown,
}  # fmt: skip
