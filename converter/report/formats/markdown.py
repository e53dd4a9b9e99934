"""Markdown as a comment on a pull request takes it: 64 KB at most, the long lists folded.

Only names are cut, and marked where they are; what is lost and why is whole or counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...vulnerability_figures import no_data
from ..amounts import amount, change
from .findings import RULES, findings, unlisted
from .packages import files_kept, may_be_there, unread
from .text import one_line, visible

_LARGEST_BYTES = 60_000  # 65,536 characters is what a comment may have
_MOST_ROWS = 50
_LARGEST_LIST_BYTES = 12_000  # so that no list takes the place of those behind it
_LONGEST_NAME = 300
# What reasons do not have: a name that could be all that a list has room for.
_LONG_WORD = re.compile(rf"(\S{{{_LONGEST_NAME - 1}}})\S{{2,}}")
_FIGURE = re.compile(r"[-+]?\d|new$|-?$")  # amounts and changes
# What means something within a line of CommonMark, tables and HTML; and at its beginning, where a
# backslash takes the meaning from what follows a number, for it is nothing before a digit.
_SPECIAL = re.compile(r"([\\`*_\[\]|~<>&]|^[#+=-])")
_NUMBERED = re.compile(r"^(\d+)(?=[.)])")


def render(document: Mapping[str, Any]) -> str:
    return bounded(_parts(document))


def bounded(parts: Iterable[str], note: str = "_More is in report.json._") -> str:
    """Whole parts are left out from the end where there is no room, which `note` says then."""
    text = ""
    for part in parts:
        if len((text + part).encode()) > _LARGEST_BYTES:
            return f"{text}\n{note}\n"
        text += part
    return text


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    entrypoint = document["entrypoint"]
    yield f"## dock2uk: {escaped_name(document['source']['reference'])}\n\n"
    command = escaped_name(" ".join(entrypoint["argv"]))
    yield f"Runs {escaped_name(entrypoint['exe'])}: {command}\n\n"
    yield _verdict(document) + "\n"
    yield table(("", "before", "after", "change"), [_metric(one) for one in document["metrics"]])
    yield folded(
        "Lost", [f"**{escaped(x['name'])}**: {escaped(x['detail'])}" for x in document["losses"]]
    )
    yield from _findings(document)
    guest = document["interfaces"]["in_guest"]
    yield folded("System calls within the guest", list(_calls(guest)))
    yield folded(_attacks_title(document), [_attack(one) for one in document["scenarios"]])
    left = [_package(one) for one in document["packages"] if may_be_there(one)]
    yield folded(f"Packages that are not removed ({len(left)})", left)
    places = [escaped(one) for one in unread(document)]
    yield folded(f"Packages not read ({len(places)})", places)
    yield folded("Notes", [escaped(note) for note in document["notes"]])


def _findings(document: Mapping[str, Any]) -> Iterator[str]:
    """A list for each rule, so that many of one hide none of another; what is worst first."""
    by_rule: dict[str, list[str]] = {}
    for one in findings(document):
        by_rule.setdefault(one.rule, []).append(escaped(one.message))
    more = unlisted(document)
    for rule, messages in sorted(by_rule.items(), key=lambda one: not RULES[one[0]][0]):
        count = len(messages) + more.get(rule, 0)
        yield folded(f"{RULES[rule][1]} ({count})", messages, more.get(rule, 0))


def _calls(guest: Mapping[str, Any]) -> Iterator[str]:
    """Older reports have neither what was seen nor what is refused."""
    reachable, observed, refused = guest["reachable"], guest.get("observed"), guest.get("refused")
    yield f"linked in: {guest['linked']} of {guest['of_runtime']} that the library OS has"
    yield f"code can reach: {'any' if reachable is None else reachable}"
    if observed is not None:
        yield f"seen in {guest['observed_in']}: {len(observed)}"
    if refused:
        yield f"code can reach them, and they are refused (ENOSYS): {escaped(', '.join(refused))}"


def _package(one: Mapping[str, Any]) -> str:
    return f"{escaped_name(one['name'])} {escaped_name(one['version'])}: {files_kept(one)}"


def _attacks_title(document: Mapping[str, Any]) -> str:
    counts = Counter(one["result"] for one in document["scenarios"])
    said = ", ".join(f"{count} {result}" for result, count in sorted(counts.items()))
    return f"Attacks in the booted guest ({said})"


def _attack(one: Mapping[str, Any]) -> str:
    about = escaped(f"{one['name']} ({one['technique']})")
    return f"{about}: **{one['result']}**: {escaped(one['because'])}"


def _verdict(document: Mapping[str, Any]) -> str:
    verification, comparison = document["verification"], document["comparison"]
    booted = {None: "not booted", True: "booted and answered", False: "**did not answer**"}
    lines = [f"- {booted[verification and verification['is_passed']]}"]
    if comparison["is_compared"]:
        same = sum(not one["differences"] for one in comparison["answers"])
        lines.append(f"- answers as the container does: {same} of {len(comparison['answers'])}")
    else:
        lines.append(f"- not compared with the container: {escaped(comparison['reason'])}")
    return "\n".join([*lines, f"- {_vulnerabilities(document['vulnerabilities'])}", ""])


def _vulnerabilities(known: Mapping[str, Any] | None) -> str:
    if known is None:
        return "vulnerabilities: no data was given"
    left = Counter(one["severity"] for one in known["found"] if one["state"] != "removed")
    exploited = sum(
        1 for one in known["found"] if one["state"] != "removed" and one.get("known_exploited")
    )
    said = ", ".join(f"{count} {severity}" for severity, count in left.items()) or "none"
    said += f" (**{exploited} known exploited**)" if exploited else ""
    missing = [f"**{escaped(one)}**" for one in no_data(known)]
    if missing and not known["found"]:
        return f"vulnerabilities: {'; '.join(missing)}"
    counts = f"vulnerabilities known: {len(known['found'])}; of packages that are not removed: "
    return "; ".join([counts + said, *missing])


def _metric(metric: Mapping[str, Any]) -> tuple[str, str, str, str]:
    before, after, unit = metric["before"], metric["after"], metric["unit"]
    said = change(before, after)
    return escaped(metric["name"]), amount(before, unit), amount(after, unit), said


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of figures to the right; the first, and others of text, to the left."""
    columns = range(1, len(header))
    are_figures = (all(_FIGURE.match(row[at]) for row in rows) for at in columns)
    lines = [header, ("---", *("--:" if one else "---" for one in are_figures)), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines) + "\n\n"


def folded(title: str, rows: Sequence[str], unlisted_count: int = 0) -> str:
    """The first rows as a list, and how many more there are, with those that nobody listed."""
    if not rows:
        return ""
    shown = _that_fit(rows)
    more = len(rows) - len(shown) + unlisted_count
    listed = "\n".join(f"- {row}" for row in shown)
    body = "\n\n".join(part for part in (listed, f"and {more} more" if more else "") if part)
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>\n\n"


def _that_fit(rows: Sequence[str]) -> list[str]:
    """Whole rows from the first; one that is longer than the list may be makes room for others."""
    shown: list[str] = []
    left_bytes = _LARGEST_LIST_BYTES
    for row in rows:
        size_bytes = len(row.encode())
        if len(shown) < _MOST_ROWS and size_bytes <= left_bytes:
            shown.append(row)
            left_bytes -= size_bytes
    return shown


def escaped_name(text: str) -> str:
    """The same of a name, which may be long enough to hide what stands behind it."""
    return escaped(one_line(text, _LONGEST_NAME))


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, in one line, to its end; long names in it are cut."""
    shown = _LONG_WORD.sub(r"\1…", visible(one_line(text)))
    return _NUMBERED.sub(r"\1\\", _SPECIAL.sub(r"\\\1", shown))
