"""A difference on a terminal, in Markdown, as a page and as JSON, each from the document alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..amounts import amount, change
from ..formats import as_json, html
from ..formats.markdown import bounded, escaped, escaped_name, folded, table
from ..formats.text import visible
from .rows import lists, silences

_SHOWN = 20
_MOST_ON_THE_PAGE = 2_000  # of a list: a browser opens ten such without a stutter


def summary(document: Mapping[str, Any]) -> RenderableType:
    """The numbers, and the beginning of each list."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("")
    for heading in ("first", "second", "change"):
        shown.add_column(heading, justify="right")
    for row in document["metrics"]:
        style = "red" if (row["second"] or 0) > (row["first"] or 0) else "green"
        *cells, said = _cells(row)
        shown.add_row(*cells, Text(said, style=style))
    lines = [Text(visible(line)) for line in _lines(document)]
    return Group(Text("\n".join(_headings(document)) + "\n"), shown, Text(""), *lines)


def _headings(document: Mapping[str, Any]) -> Iterator[str]:
    for which in ("first", "second"):
        side = document[which]
        yield f"{which}: {visible(side['name'])}, {side['kind']} {side['digest'][:19]}"


def _cells(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    first, second, unit = row["first"], row["second"], row["unit"]
    return row["name"], amount(first, unit), amount(second, unit), change(first, second)


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    for title, rows in lists(document):
        yield f"{title}: {len(rows)}"
        yield from (f"  {row}" for row in rows[:_SHOWN])
        if len(rows) > _SHOWN:
            yield f"  and {len(rows) - _SHOWN} more (--report json=PATH has all)"
    yield from silences(document)


def _markdown(document: Mapping[str, Any]) -> str:
    return bounded(_parts(document))


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    first, second = (escaped_name(document[which]["name"]) for which in ("first", "second"))
    yield f"## From {first} to {second}\n\n"
    yield table(("", "first", "second", "change"), [_cells(row) for row in document["metrics"]])
    yield from (f"{escaped(line)}\n\n" for line in silences(document))
    for title, rows in lists(document):
        yield folded(f"{title} ({len(rows)})", [escaped(row) for row in rows])


def _page(document: Mapping[str, Any]) -> str:
    return html.rendered(
        "difference.html.j2",
        difference=document,
        lists=[
            (title, rows[:_MOST_ON_THE_PAGE], max(0, len(rows) - _MOST_ON_THE_PAGE))
            for title, rows in lists(document)
        ],
        silences=list(silences(document)),
    )


FORMATS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "html": _page,
    "json": as_json.render,
    "md": _markdown,
}
