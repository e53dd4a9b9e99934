"""An audit in Markdown, as a page and as JSON, each from the document alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..report.formats import as_json, html
from ..report.formats.markdown import bounded, escaped, folded, table
from .cells import cells, counts, figures, figures_of, headings, program, reasons, risks

_MOST_RISKS = 50
_MORE = "_More than fits a comment is left out: --report html=PATH or json=PATH has all._"


def _markdown(document: Mapping[str, Any]) -> str:
    return bounded(_parts(document), _MORE)


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    """Row by row: of a table that is too long, its beginning is told."""
    yield f"## dock2uk audit: {counts(document)}\n\n"
    shown = figures_of(document)
    rows = [tuple(map(escaped, cells(one, shown))) for one in document["images"]]
    yield from table(headings(document), rows).splitlines(keepends=True)
    for line in reasons(document):
        yield f"- {escaped(line)}\n"
    yield "\n"
    yield folded("Risks", list(map(escaped, risks(document, _MOST_RISKS - 1))))


def _page(document: Mapping[str, Any]) -> str:
    shown = figures_of(document)
    return html.rendered(
        "audit.html.j2",
        audit=document,
        counts=counts(document),
        headings=headings(document),
        rows=[(one, program(one), list(figures(one, shown))) for one in document["images"]],
    )


FORMATS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "html": _page, "json": as_json.render, "md": _markdown,
}  # fmt: skip
