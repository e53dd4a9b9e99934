"""An audit in Markdown, as a page and as JSON, each from the document alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..report.formats import as_json, html
from ..report.formats.markdown import bounded, escaped, folded, table
from .assessment import MEANINGS, VERDICTS
from .cells import (
    TONES,
    cells,
    counts,
    figures,
    figures_of,
    headings,
    program,
    reasons,
    risk_count,
    risks,
    saved_bytes,
)

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
        counts=counts(document),
        verdicts=[(name, count) for name, count in document["counts"].items() if count],
        meanings=MEANINGS,
        figures=shown,
        rows=[_row(one, shown) for one in document["images"]],
    )


def _row(one: Mapping[str, Any], shown: Sequence[str]) -> dict[str, Any]:
    """What the page has of an image, and what it can be ordered by."""
    return {
        "row": one,
        "program": program(one),
        "figures": list(figures(one, shown)),
        "tone": TONES[one["verdict"]],
        "rank": VERDICTS.index(one["verdict"]),
        "risks": risk_count(one),
        "saved": saved_bytes(one),
    }


FORMATS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "html": _page, "json": as_json.render, "md": _markdown,
}  # fmt: skip
