"""An audit on a terminal: a row an image where the table fits, else a block of lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..report.formats.text import visible
from .cells import TONES, cells, counts, figures_of, headings, reasons, risks

_STYLES = {"good": "green", "fair": "yellow", "bad": "red"}
_TEXTS = 3  # columns that are no numbers
_MOST_RISKS = 30
_ANY_WIDTH = 100_000  # characters


def summary(document: Mapping[str, Any], width: int | None = None) -> RenderableType:
    """Figures before and after; then what stands in the way, and the risks. Without a width, lines
    are as long as they are."""
    table = _table(document)
    is_narrow = width is not None and Console(width=_ANY_WIDTH).measure(table).maximum > width
    shown = Group(*_blocks(document)) if is_narrow else table
    lines = list(map(_text, reasons(document)))
    told = list(map(_text, risks(document, _MOST_RISKS)))
    below = [Text("\nrisks", style="bold"), *told] if told else []
    return Group(shown, Text(""), *lines, *below, Text(f"\n{counts(document)}"))


def _table(document: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, heading in enumerate(headings(document)):
        table.add_column(heading, justify="left" if index < _TEXTS else "right", overflow="fold")
    for row in _rows(document):
        table.add_row(*row)
    return table


def _blocks(document: Mapping[str, Any]) -> Iterator[Text]:
    """The image and its verdict, then a line for each cell that is not empty."""
    names = headings(document)[2:]
    longest = max(map(len, names))
    for source, verdict, *rest in _rows(document):
        yield Text.assemble(source, "\n  ", verdict)
        for name, cell in zip(names, rest, strict=True):
            if cell.plain:
                yield Text.assemble(f"  {name:{longest}}  ", cell)


def _rows(document: Mapping[str, Any]) -> Iterator[list[Text]]:
    shown = figures_of(document)
    for row in document["images"]:
        source, verdict, *rest = map(_text, cells(row, shown))
        verdict.stylize(_STYLES[TONES[row["verdict"]]])
        yield [source, verdict, *rest]


def _text(line: str) -> Text:
    return Text(visible(line))
