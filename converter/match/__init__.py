"""match: which runtime can carry the workload, or every reason why none can.

Parts that a runtime marks as such are linked for programs that may have a use for them, drivers
for the machines that the image is for. Of the system calls, those are linked that the program's
code can reach, or all where the analysis could not bound them. A call that is missing at run time
gives ENOSYS and is named once on the console.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import Dock2ukError, UnsupportedError
from ..model import Analysis, ElfFile
from ..runtime import KernelWishes, Match, Part, Runtime, SystemCall
from .chosen_calls import chosen_calls, require_known
from .parts import require_parts, use_of
from .runtimes import load_runtime, load_runtimes, parse_runtime

__all__ = ["load_runtime", "load_runtimes", "match", "offer", "parse_runtime"]

_NO_WISHES = KernelWishes()


def match(
    analysis: Analysis, runtimes: Sequence[Runtime], wishes: KernelWishes = _NO_WISHES
) -> Match:
    """The first runtime without a gap, with what the user wishes; UnsupportedError with the gaps of
    all when there is none."""
    gaps: list[str] = []
    for runtime in runtimes:
        found = _gaps(analysis, runtime)
        if not found:
            require_known(wishes.calls, runtime)
            require_parts(wishes.parts, runtime)
            _require_machine(wishes.machine, runtime)
            return _fitted(runtime, analysis, wishes)
        gaps += [f"{runtime.name}: {gap}" for gap in found]
    raise UnsupportedError(tuple(gaps) or ("there is no runtime",))


def offer(runtime: Runtime) -> Match:
    """Everything the runtime has."""
    calls = tuple(call for call in runtime.system_calls if call.level != "none")
    return _linked(runtime, calls, runtime.parts, runtime.machines)


def _fitted(runtime: Runtime, analysis: Analysis, wishes: KernelWishes) -> Match:
    """The runtime with the parts that the program has a use for, and the calls it can make."""
    uses = {part.name: use_of(part, runtime, analysis, wishes) for part in runtime.parts}
    linked = tuple(part for part in runtime.parts if uses[part.name].is_linked)
    notes = tuple(
        f"{name} {'linked' if use.is_linked else 'left out'}: {use.because}"
        for name, use in uses.items()
    )
    left_out = _calls_of(part for part in runtime.parts if part not in linked)
    calls, reasons = chosen_calls(runtime, analysis, wishes.calls, left_out - _calls_of(linked))
    machines = (wishes.machine,) if wishes.machine is not None else runtime.machines
    found = _linked(runtime, calls, linked, machines)
    notes = (*notes, *_call_notes(analysis, found), *_stack_notes(analysis))
    return replace(found, notes=notes, reasons=reasons)


def _calls_of(parts: Iterable[Part]) -> frozenset[str]:
    return frozenset(call for part in parts for call in part.calls)


def _require_machine(name: str | None, runtime: Runtime) -> None:
    if name is not None and name not in runtime.machines:
        hint = f"one of {', '.join(runtime.machines)}"
        raise Dock2ukError(f"{runtime.name} does not know a machine {name!r}", hint=hint)


def _linked(
    runtime: Runtime,
    calls: tuple[SystemCall, ...],
    parts: Sequence[Part],
    machines: tuple[str, ...],
) -> Match:
    return Match(
        runtime=runtime,
        library=_library(runtime, {part.name for part in parts}),
        system_calls=calls,
        drivers=tuple(
            driver.name
            for driver in runtime.drivers
            if not driver.machines or not set(machines).isdisjoint(driver.machines)
        ),
        machines=machines,
        notes=(),
        objects=tuple(name for part in parts for name in part.objects),
    )


def _library(runtime: Runtime, parts: set[str]) -> Path:
    """The one that lacks most of what has no use."""
    fitting = (one for one in runtime.smaller_libraries if one.lacks.isdisjoint(parts))
    smallest = max(fitting, key=lambda one: len(one.lacks), default=None)
    return smallest.path if smallest else runtime.library


def _gaps(analysis: Analysis, runtime: Runtime) -> tuple[str, ...]:
    return tuple(
        gap for elf in analysis.elves.values() for gap in _elf_gaps(elf, analysis, runtime)
    )


def _elf_gaps(elf: ElfFile, analysis: Analysis, runtime: Runtime) -> tuple[str, ...]:
    gaps: list[str] = []
    if elf.machine != runtime.elf_machine:
        gaps.append(f"{elf.path} is for {elf.machine}; {runtime.elf_machine} is what runs")
    if elf.type not in runtime.elf_types:
        runs = " and ".join(runtime.elf_types)
        gaps.append(f"{elf.path} is of type {elf.type}; {runs} are what run")
    if elf.interpreter is not None and not _has_file_named(elf.interpreter, analysis):
        gaps.append(f"{elf.path} asks for the interpreter {elf.interpreter}, which is not there")
    return tuple(gaps)


def _has_file_named(path: str, analysis: Analysis) -> bool:
    """By its last component: directories on the way may be symlinks (/lib64 -> usr/lib64)."""
    name = path.rpartition("/")[2]
    return any(needed.rpartition("/")[2] == name for needed in analysis.needed)


def _call_notes(analysis: Analysis, found: Match) -> tuple[str, ...]:
    """The numbers of the report, and what keeps them from being smaller."""
    if analysis.made_calls is not None:
        made, linked = len(analysis.made_calls), len(found.system_calls)
        return (f"system calls: the traced run made {made}, {linked} are linked",)
    if analysis.calls is None:
        return (f"all system calls are linked: {analysis.unread}",) if analysis.unread else ()
    numbers = (
        f"system calls: code can reach {len(analysis.calls.sites)}, {len(found.system_calls)} are"
        f" linked, {found.runtime.name} knows {len(found.runtime.system_calls)}"
    )
    why = (f"any system call may be made: {reason}" for reason in analysis.calls.unbounded)
    return (numbers, *why, *analysis.calls.notes)


def _stack_notes(analysis: Analysis) -> tuple[str, ...]:
    executable_stacks = sorted(
        elf.path for elf in analysis.elves.values() if elf.is_executable_stack
    )
    return tuple(
        f"{path} asks for an executable stack and does not get one" for path in executable_stacks
    )
