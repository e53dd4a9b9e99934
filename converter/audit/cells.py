"""What an audit says of an image, in words: the cells of its table and the lines below it."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..report.amounts import amount, change
from .assessment import VERDICTS

FIGURES = ("files", "bytes", "setuid", "shells", "packages", "secrets")
_VULNERABILITIES = "vulnerabilities"  # where there is data on them
# How a verdict is coloured.
TONES = dict(zip(VERDICTS, ("good", "good", "good", "fair", "bad", "bad"), strict=True))


def headings(document: Mapping[str, Any]) -> tuple[str, ...]:
    return "image", "verdict", "program", "risks", *figures_of(document)


def figures_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the metrics that have a column."""
    ids = {one["id"] for row in document["images"] for one in row["metrics"]}
    return (*FIGURES, _VULNERABILITIES) if _VULNERABILITIES in ids else FIGURES


def cells(row: Mapping[str, Any], shown: Sequence[str]) -> tuple[str, ...]:
    count = risk_count(row)
    risks = f"{count:,}" if row["program"] is not None else ""
    return row["source"], row["verdict"], program(row), risks, *figures(row, shown)


def program(row: Mapping[str, Any]) -> str:
    """Its file, and the name that it is started by where that is another: redis-server is a link to
    a file that is several programs."""
    if row["program"] is None:
        return ""
    exe, argv = row["program"]["exe"], row["program"]["argv"]
    name = posixpath.basename(argv[0]) if argv else ""
    return exe if name in ("", posixpath.basename(exe)) else f"{exe} as {name}"


def figures(row: Mapping[str, Any], shown: Sequence[str]) -> Iterator[str]:
    """Before and after; of bytes, which are not taken in at a glance, the change as well."""
    by_id = {one["id"]: one for one in row["metrics"]}
    for name in shown:
        one = by_id.get(name)
        if one is None:
            yield ""
            continue
        before, after = (amount(one[when], one["unit"]) for when in ("before", "after"))
        percent = change(one["before"], one["after"]) if one["unit"] == "bytes" else ""
        yield f"{before} > {after}" + (f" ({percent})" if percent else "")


def risk_count(row: Mapping[str, Any]) -> int:
    return len(row["risks"]) + int(row["risks_unlisted"])


def reasons(document: Mapping[str, Any]) -> Iterator[str]:
    """What is to be changed or stands in the way, image by image."""
    for row in document["images"]:
        for reason in row["because"]:
            yield f"{row['source']}: {reason}"
        if row["hint"]:
            yield f"  try: {row['hint']}"


def risks(document: Mapping[str, Any], most: int) -> list[str]:
    """Each once, with its image or how many have it: those of the most images come first, and the
    last line counts what has no line of its own."""
    images: dict[str, list[str]] = defaultdict(list)
    for row in document["images"]:
        for risk in row["risks"]:
            images[risk].append(row["source"])
    by_count = sorted(images.items(), key=lambda one: -len(one[1]))
    lines = [f"{_whose(sources)}: {risk}" for risk, sources in by_count[:most]]
    unlisted = sum(row["risks_unlisted"] for row in document["images"])
    more = len(by_count) - len(lines) + unlisted
    return [*lines, f"and {more:,} more"] if more else lines


def _whose(sources: Sequence[str]) -> str:
    return sources[0] if len(sources) == 1 else f"{len(sources):,} images"


def saved_bytes(row: Mapping[str, Any]) -> int:
    return sum(
        (one["before"] or 0) - (one["after"] or 0) for one in row["metrics"] if one["id"] == "bytes"
    )


def counts(document: Mapping[str, Any]) -> str:
    return "; ".join(f"{count} {verdict}" for verdict, count in document["counts"].items() if count)
