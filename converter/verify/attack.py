"""Boots an image whose programs are attacks, one after the other, and takes down what each says.

The guest reaches nothing: its network ends at one address that accepts and forgets. What an attack
says comes on the control channel (`attack try STEP`, `attack got VALUE`, `attack achieved`), and
what a program died of from the console. A guest that does not end is ended.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ..scenarios import Record, Step
from . import accelerator, qemu, session

_DEADLINE_S = 30.0
# Lines of the kernel: which program it starts, and what ended one; addresses are left out.
_PROGRAM = re.compile(r"^husk: program (\d+): ", re.MULTILINE)
_KILLED = re.compile(r"^husk: killed by (SIG\w+)(?: \(([^,)]*)[^)]*\))?", re.MULTILINE)
_NOT_ITS_OWN = re.compile(r"^husk: +hit +0x[0-9a-f]+ is not the program's \((.*)\)$", re.MULTILINE)
_STATUS = re.compile(r"\d+ exit (\d{1,3})")
_NUMBER = re.compile(r"-?\d{1,20}")


@dataclass(frozen=True, slots=True)
class Attacks:
    """An image that runs `count` attacks, and the machine to boot it on."""

    image: Path
    count: int
    machine: str
    memory_mb: int
    accelerator: str = "auto"
    deadline_s: float = _DEADLINE_S


def attack(attacks: Attacks) -> tuple[Record, ...]:
    """What was seen of each, in order; fewer than there are when the guest ended before."""
    chosen = accelerator.choose(attacks.accelerator).accelerator
    guest = qemu.Guest(attacks.image, attacks.machine, chosen, attacks.memory_mb, is_isolated=True)
    deadline_s = time.monotonic() + attacks.deadline_s
    with tempfile.NamedTemporaryFile("rb") as console:
        serial = ("-serial", f"file:{console.name}")
        with session.start(guest, serial, errors=None) as running:
            records = taken_down(running.events.until(deadline_s))
        faults = _faults(Path(console.name).read_text(errors="replace"))
    records = records[: attacks.count]
    return tuple(replace(one, fault=faults.get(n, "")) for n, one in enumerate(records, start=1))


def taken_down(events: Iterable[session.Event]) -> tuple[Record, ...]:
    """A record for each program that ended, and one for what the last one said that did not."""
    records: list[Record] = []
    current = Record()
    for event in events:
        status = _STATUS.fullmatch(event.value) if event.name == "program" else None
        if status:
            records.append(replace(current, status=int(status[1])))
            current = Record()
        elif event.name == "panic":
            current = replace(current, panic=event.value)
        elif event.name == "attack":
            current = _with(current, event.value)
    return (*records, current) if current != Record() else tuple(records)


def _with(record: Record, said: str) -> Record:
    what, _, value = said.partition(" ")
    if what == "try":
        return replace(record, steps=(*record.steps, Step(value)))
    if what == "got" and record.steps and _NUMBER.fullmatch(value):
        *before, last = record.steps
        return replace(record, steps=(*before, replace(last, returned=int(value))))
    return replace(record, is_achieved=True) if what == "achieved" else record


def _faults(console: str) -> dict[int, str]:
    """Number of a program -> the signal it died of, and why."""
    _, *rest = _PROGRAM.split(console.replace("\r\n", "\n"))
    told = {int(n): fault(text) for n, text in zip(rest[::2], rest[1::2], strict=True)}
    return {number: fault for number, fault in told.items() if fault}


def fault(console: str) -> str:
    """What a program died of, as its part of the console has it; empty when it did not."""
    killed, owner = _KILLED.search(console), _NOT_ITS_OWN.search(console)
    if killed is None:
        return ""
    reason = f"it hit {owner[1]}" if owner else killed[2]
    return f"{killed[1]} ({reason})" if reason else killed[1]
