#!/usr/bin/env python3
"""Makes capabilities.json and docs/syscalls.md from syscalls.tbl and signatures.tbl.

    generate.py           write both
    generate.py --check   exit 1 when either is not what it would write
    generate.py --print   capabilities.json on standard output, nothing written

Needs Python 3.11 alone. Every Linux call is listed (linux.tbl); one that syscalls.tbl does not
have is level "none", which is ENOSYS.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path

RUNTIME = Path(__file__).resolve().parents[1]
TABLE = RUNTIME / "syscalls.tbl"
LINUX_TABLE = RUNTIME / "linux.tbl"
SIGNATURES = RUNTIME / "signatures.tbl"
CAPABILITIES = RUNTIME / "capabilities.json"
PAGE = RUNTIME.parents[1] / "docs" / "syscalls.md"
LEVELS = ("full", "partial")
FORMAT_VERSION = 1


class TableError(Exception):
    """A line of a table that cannot be meant."""


@dataclass(frozen=True)
class SystemCall:
    number: int
    name: str
    level: str
    note: str
    signature: str | None = None


def rows(path: Path) -> list[tuple[str, list[str]]]:
    """The fields of every line with its place, comments and empty lines left out."""
    lines = enumerate(path.read_text().splitlines(), start=1)
    return [
        (f"{path.name}:{number}", line.split(maxsplit=3))
        for number, line in lines
        if line.strip() and not line.startswith("#")
    ]


def linux_names() -> dict[int, str]:
    return {int(fields[0]): fields[1] for _, fields in rows(LINUX_TABLE)}


def parse(place: str, fields: list[str], names: dict[int, str]) -> SystemCall:
    if len(fields) < 3:
        raise TableError(f"{place}: want number, name, level: {' '.join(fields)}")
    if not fields[0].isdecimal():
        raise TableError(f"{place}: {fields[0]} is not a number")
    number, name, level = int(fields[0]), fields[1], fields[2]
    note = fields[3].strip() if len(fields) == 4 else ""
    if names.get(number) != name:
        raise TableError(f"{place}: Linux calls number {number} {names.get(number)}, not {name}")
    if level not in LEVELS:
        raise TableError(f"{place}: level {level} is none of {', '.join(LEVELS)}")
    if level == "partial" and not note:
        raise TableError(f"{place}: {name} is partial; its note must say in what")
    return SystemCall(number, name, level, note)


def system_calls() -> list[SystemCall]:
    """Every Linux call with what husk makes of it, by number."""
    names = linux_names()
    known: dict[int, SystemCall] = {}
    for place, fields in rows(TABLE):
        call = parse(place, fields, names)
        if call.number in known:
            raise TableError(f"{place}: {call.name} is there twice")
        known[call.number] = call
    missing = {number: SystemCall(number, name, "none", "") for number, name in names.items()}
    described = signatures(names)
    return [
        replace(call, signature=described.get(call.name))
        for _, call in sorted((missing | known).items())
    ]


def signatures(names: dict[int, str]) -> dict[str, str]:
    """What the arguments of calls are; their grammar is the converter's (converter/strace/)."""
    described: dict[str, str] = {}
    for number, line in enumerate(SIGNATURES.read_text().splitlines(), start=1):
        name, *words = line.split()[:1] + line.split()[1:] or [""]
        if not name or name.startswith("#"):
            continue
        if name not in names.values():
            raise TableError(f"{SIGNATURES.name}:{number}: Linux has no call {name}")
        if name in described:
            raise TableError(f"{SIGNATURES.name}:{number}: {name} is there twice")
        described[name] = " ".join(words)
    return described


def capabilities(calls: list[SystemCall]) -> str:
    """One call a line, so that a change of one is a difference of one line."""
    lines = ",\n".join(f"    {json.dumps(_fields(call))}" for call in calls)
    return f'{{\n  "version": {FORMAT_VERSION},\n  "system_calls": [\n{lines}\n  ]\n}}\n'


def _fields(call: SystemCall) -> dict[str, object]:
    return {name: value for name, value in asdict(call).items() if value is not None}


def page(calls: list[SystemCall]) -> str:
    counts = Counter(call.level for call in calls)
    table = [f"| {c.number} | `{c.name}` | {c.level} | {c.note} |" for c in calls]
    return "\n".join(
        (
            "<!-- Made by runtimes/husk/tools/generate.py from syscalls.tbl; do not edit. -->",
            "# System calls of husk",
            "",
            f"Of Linux's {len(calls)} system calls on x86-64 husk has {counts['full']} in full and"
            f" {counts['partial']} in part, with the difference noted; {counts['none']} it does not"
            " have. A call it does not have fails with ENOSYS and is named once on the console.",
            "",
            "| number | name | level | note |",
            "|---|---|---|---|",
            *table,
            "",
        )
    )


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"], ["--print"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        calls = system_calls()
    except TableError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments == ["--print"]:
        print(capabilities(calls), end="")
        return 0
    return (check if arguments else write)({CAPABILITIES: capabilities(calls), PAGE: page(calls)})


def write(contents: dict[Path, str]) -> int:
    for path, text in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


def check(contents: dict[Path, str]) -> int:
    stale = [
        path for path, text in contents.items() if not path.exists() or path.read_text() != text
    ]
    for path in stale:
        print(f"{path.name} is stale: run runtimes/husk/tools/generate.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
