"""`.dock2uk.toml`: what a project says of its conversion, kept beside it.

    strip = "safe"                  # as --strip
    prune = "reachable"             # as --prune
    probe = ["http://:80/health"]   # as --probe
    fail_on = ["shells>0"]          # as --fail-on
    policy = "default"              # as --policy
    [[keep]]                        # as --keep, with the reason that the report repeats
    path = "/usr/share/misc"
    reason = "looked up by name at run time"
    [[drop]]                        # as --drop
    path = "/srv/app/tests"
    reason = "never used in production"
    [[ignore]]                      # a vulnerability, or a figure, that no rule looks at
    id = "CVE-2026-1234"
    reason = "the parser is never given input"
    owner = "web team"
    expires = 2027-03-01            # the last day

An unknown key, a wrong type or a missing reason is an error that names the file and the key.
"""

from __future__ import annotations

import datetime
import difflib
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from . import gates, probes
from .errors import Dock2ukError
from .gates import Gate
from .model import PruneMode, Question, Rule, StripMode
from .policy import POLICIES, Ignore

NAME = ".dock2uk.toml"
_Parsed = TypeVar("_Parsed")
_Mode = TypeVar("_Mode", StripMode, PruneMode)
_MAXIMUM_BYTES = 1 << 20
_TOP_KEYS: Mapping[str, type] = {
    "strip": str,
    "prune": str,
    "probe": list,
    "fail_on": list,
    "policy": str,
    "keep": list,
    "drop": list,
    "ignore": list,
}
_RULE_KEYS: Mapping[str, type] = {"path": str, "reason": str}
_IGNORE_KEYS: Mapping[str, type] = {
    "id": str,
    "reason": str,
    "owner": str,
    "expires": datetime.date,
}
_WORDS: Mapping[type, str] = {str: "a string", list: "a list", datetime.date: "a day"}


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """What the file says; an empty path where there is none."""

    path: str = ""
    strip: StripMode | None = None
    prune: PruneMode | None = None
    probe: tuple[Question, ...] = ()
    fail_on: tuple[Gate, ...] = ()
    policy: str | None = None
    keep: tuple[Rule, ...] = ()
    drop: tuple[Rule, ...] = ()
    ignore: tuple[Ignore, ...] = ()


def find(asked: Path | None, source: str) -> ProjectFile:
    """The file that was asked for; else the one beside a source that is a path, or where we are."""
    if asked is not None:
        return parse(str(asked), _text(asked))
    beside = Path(source)
    folders = [beside if beside.is_dir() else beside.parent] if beside.exists() else []
    for folder in (*folders, Path()):
        path = folder / NAME
        if path.is_file():
            return parse(str(path), _text(path))
    return ProjectFile()


def parse(path: str, text: str) -> ProjectFile:
    """What the text of such a file says; Dock2ukError names the file and what is wrong."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise Dock2ukError(f"{path}: {problem}") from problem
    _check(path, "", document, _TOP_KEYS)
    return ProjectFile(
        path,
        _mode(path, document, "strip", StripMode),
        _mode(path, document, "prune", PruneMode),
        _parsed(path, document.get("probe", ()), probes.parse),
        _parsed(path, document.get("fail_on", ()), gates.parse),
        _policy(path, document.get("policy")),
        tuple(_rule(path, *row) for row in _tables(path, "keep", document, _RULE_KEYS)),
        tuple(_rule(path, *row) for row in _tables(path, "drop", document, _RULE_KEYS)),
        tuple(Ignore(**table) for _, table in _tables(path, "ignore", document, _IGNORE_KEYS)),
    )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAXIMUM_BYTES + 1)
        if len(data) > _MAXIMUM_BYTES:
            raise Dock2ukError(f"{path}: larger than {_MAXIMUM_BYTES} bytes")
        return data.decode()
    except OSError as problem:
        raise Dock2ukError(f"cannot read {path}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise Dock2ukError(f"{path}: not UTF-8: {problem}") from problem


def _mode(path: str, document: Mapping[str, Any], key: str, modes: type[_Mode]) -> _Mode | None:
    word = document.get(key)
    known = [mode.value for mode in modes]
    if word is not None and word not in known:
        raise Dock2ukError(f"{path}: {key} = {word!r}", hint=f"known: {', '.join(known)}")
    return None if word is None else modes(word)


def _parsed(
    path: str, texts: Iterable[Any], parse: Callable[[str], _Parsed]
) -> tuple[_Parsed, ...]:
    """Each text as the option of the same name takes it."""
    try:
        return tuple(parse(str(text)) for text in texts)
    except Dock2ukError as problem:
        raise Dock2ukError(f"{path}: {problem.message}", hint=problem.hint) from problem


def _policy(path: str, name: str | None) -> str | None:
    if name is not None and name not in POLICIES:
        raise Dock2ukError(f"{path}: policy = {name!r}", hint=f"known: {', '.join(POLICIES)}")
    return name


def _tables(
    path: str, name: str, document: Mapping[str, Any], keys: Mapping[str, type]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each [[name]] with all its keys, and the name again."""
    for number, table in enumerate(document.get(name, ()), start=1):
        where = f"[[{name}]] {number}: "
        if not isinstance(table, dict):
            hint = f"write [[{name}]] above each rule"
            raise Dock2ukError(f"{path}: {name} is not tables", hint=hint)
        _check(path, where, table, keys)
        for key in keys:
            if not str(table.get(key, "")).strip():
                raise Dock2ukError(f"{path}: {where}{key} is missing")
        yield name, table


def _rule(path: str, name: str, table: Mapping[str, str]) -> Rule:
    reason = " ".join(table["reason"].split())
    return Rule(table["path"], f"{path}: {name} {table['path']}", reason)


def _check(path: str, where: str, table: Mapping[str, Any], known: Mapping[str, type]) -> None:
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise Dock2ukError(f"{path}: {where}unknown key {key}", hint=hint)
        # A time is a day to isinstance, and not to be compared with one.
        if not isinstance(value, known[key]) or isinstance(value, datetime.datetime):
            expected = _WORDS[known[key]]
            shown = str(value) if isinstance(value, datetime.date) else repr(value)
            raise Dock2ukError(f"{path}: {where}{key} is {shown}, where {expected} is expected")
