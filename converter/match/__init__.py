"""match: which runtime can carry the workload, or every reason why none can.

Parts that a runtime marks as such are linked for programs that have a use for them, by the
functions that their files import. Of the system calls, those are linked that the program's code
can reach, or all where the analysis could not bound them. A call that is missing at run time gives
ENOSYS and is named once on the console.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..errors import UnsupportedError
from ..model import Analysis, ElfFile, Match, Part, Runtime, SystemCall
from .chosen_calls import chosen_calls, is_used, require_known
from .runtimes import load_runtime, load_runtimes, parse_runtime

__all__ = ["load_runtime", "load_runtimes", "match", "offer", "parse_runtime"]


def match(analysis: Analysis, runtimes: Sequence[Runtime], kept_calls: Sequence[str] = ()) -> Match:
    """The first runtime without a gap, with the system calls `kept_calls` whatever is found;
    UnsupportedError with the gaps of all when there is none."""
    gaps: list[str] = []
    for runtime in runtimes:
        found = _gaps(analysis, runtime)
        if not found:
            require_known(kept_calls, runtime)
            return _fitted(runtime, analysis, kept_calls)
        gaps += [f"{runtime.name}: {gap}" for gap in found]
    raise UnsupportedError(tuple(gaps) or ("there is no runtime",))


def offer(runtime: Runtime) -> Match:
    """Everything the runtime has."""
    calls = tuple(call for call in runtime.system_calls if call.level != "none")
    return _linked(runtime, calls, runtime.parts)


def _fitted(runtime: Runtime, analysis: Analysis, kept_calls: Sequence[str]) -> Match:
    """The runtime with the parts that the program has a use for, and the calls it can make."""
    uses = {part.name: _use_of(part, runtime, analysis, kept_calls) for part in runtime.parts}
    linked = tuple(part for part in runtime.parts if uses[part.name] is not None)
    notes = tuple(
        f"{part.name} linked: {use}" if (use := uses[part.name]) else _left_out(part, analysis)
        for part in runtime.parts
    )
    left_out = _calls_of(part for part in runtime.parts if part not in linked)
    calls, reasons = chosen_calls(runtime, analysis, kept_calls, left_out - _calls_of(linked))
    found = _linked(runtime, calls, linked)
    notes = (*notes, *_call_notes(analysis, found), *_stack_notes(analysis))
    return replace(found, notes=notes, reasons=reasons)


def _calls_of(parts: Iterable[Part]) -> frozenset[str]:
    return frozenset(call for part in parts for call in part.calls)


def _linked(runtime: Runtime, calls: tuple[SystemCall, ...], parts: Sequence[Part]) -> Match:
    return Match(
        runtime=runtime,
        system_calls=calls,
        drivers=runtime.drivers,
        notes=(),
        objects=tuple(name for part in parts for name in part.objects),
    )


def _use_of(
    part: Part, runtime: Runtime, analysis: Analysis, kept_calls: Sequence[str]
) -> str | None:
    """Why a program needs a part; None when nothing of it shows a use."""
    if asked := sorted(part.calls.intersection(kept_calls)):
        return f"--keep-syscall {asked[0]}"
    if analysis.unread:
        return analysis.unread
    if part.name in analysis.unneeded or not is_used(part, runtime, analysis):
        return None
    numbers = {call.number: call.name for call in runtime.system_calls if call.name in part.calls}
    for path, elf in sorted(analysis.elves.items()):
        if elf.is_self_contained:
            return f"what {path} calls is not known"
        if imported := sorted(elf.imports & part.imports):
            return f"{path} imports {imported[0]}"
        if named := sorted(elf.named_calls & numbers.keys()):
            return f"{path} may call {numbers[named[0]]} by number"
    return None


def _left_out(part: Part, analysis: Analysis) -> str:
    because = analysis.unneeded.get(part.name, "no kept file imports a function for it")
    return f"{part.name} left out: {because}"


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
