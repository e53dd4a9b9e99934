"""How an image's program was found, for a terminal: rendered from entrypoint.json's document."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .. import printable


def chain(reference: str, document: Mapping[str, Any]) -> RenderableType:
    """The program and what it begins with, then the way to it, step by step."""
    document = printable.values(document)
    return Group(
        Text(printable.one_line(reference), style="bold"),
        _facts(document),
        Text(),
        *_steps(document),
    )


def _facts(document: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in _rows(document):
        if value:
            table.add_row(name, Text(value))
    return table


def _rows(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    groups = f", groups {_joined(document['groups'])}" if document["groups"] else ""
    yield "program", document["exe"]
    yield "arguments", shlex.join(document["argv"])
    yield "user", f"{document['uid']}:{document['gid']}{groups}, umask {document['umask']}"
    yield "directory", document["cwd"]
    yield "environment", "\n".join(document["env"])
    yield "stops on", signal.Signals(document["stop_signal"]).name
    yield "limits", ", ".join(_limit(limit) for limit in document["limits"])
    yield "listens", _joined(document["listening"] or document["ports"])
    yield "runs itself", _joined(document["children"])
    yield "files made", _count(document["changes"])
    yield "found by", f"{document['method']} ({document['confidence']})"


def _steps(document: Mapping[str, Any]) -> Iterator[Text]:
    for number, step in enumerate(document["evidence"], start=1):
        yield Text(f"{number:3}. {step}")
    for recipe in document["recipes"]:
        yield Text(f"     recipe {recipe['name']}: {recipe['change']}")
    for difference in document["differences"]:
        if not difference["is_baked"]:
            left = f"left out, {difference['kind']}: {difference['subject']}"
            yield Text(f"     {left} (--bake keeps it)", style="yellow")


def _limit(limit: Mapping[str, Any]) -> str:
    soft, hard = (_amount(limit[which]) for which in ("soft", "hard"))
    return f"{limit['name']} {soft}" + (f" of {hard}" if hard != soft else "")


def _amount(value: int | None) -> str:
    return "unlimited" if value is None else str(value)


def _count(changes: list[Mapping[str, Any]]) -> str:
    gone = sum(change["is_gone"] for change in changes)
    said = [f"{len(changes) - gone} made or changed"] if len(changes) > gone else []
    said += [f"{gone} gone"] if gone else []
    return ", ".join(said)


def _joined(values: list[Any]) -> str:
    return ", ".join(str(value) for value in values)
