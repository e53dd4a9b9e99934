"""match: which runtime can carry the workload, or every reason why none can.

Parts that a runtime marks as such are linked for programs that have a use for them, by the
functions that their files import; everything else is linked always. Which calls a program makes is
not analysed further, so a call that is missing shows at run time (ENOSYS, named once on the
console), not here.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UnsupportedError
from ..model import Analysis, ElfFile, Match, Part, Runtime
from .runtimes import load_runtime, load_runtimes, parse_runtime

__all__ = ["load_runtime", "load_runtimes", "match", "offer", "parse_runtime"]


def match(analysis: Analysis, runtimes: Sequence[Runtime]) -> Match:
    """The first runtime without a gap; UnsupportedError with the gaps of all when there is none."""
    gaps: list[str] = []
    for runtime in runtimes:
        found = _gaps(analysis, runtime)
        if not found:
            return _fitted(runtime, analysis)
        gaps += [f"{runtime.name}: {gap}" for gap in found]
    raise UnsupportedError(tuple(gaps) or ("there is no runtime",))


def offer(runtime: Runtime) -> Match:
    """Everything the runtime has."""
    return _with_parts(runtime, runtime.parts, notes=())


def _fitted(runtime: Runtime, analysis: Analysis) -> Match:
    """The runtime with the parts that the program has a use for."""
    uses = {part.name: _use_of(part, runtime, analysis) for part in runtime.parts}
    linked = tuple(part for part in runtime.parts if uses[part.name] is not None)
    notes = tuple(
        f"{part.name} linked: {use}" if (use := uses[part.name]) else _left_out(part, analysis)
        for part in runtime.parts
    )
    return _with_parts(runtime, linked, (*notes, *_stack_notes(analysis)))


def _with_parts(runtime: Runtime, parts: Sequence[Part], notes: tuple[str, ...]) -> Match:
    left_out = {call for part in runtime.parts if part not in parts for call in part.calls} - {
        call for part in parts for call in part.calls
    }
    return Match(
        runtime=runtime,
        system_calls=tuple(
            call
            for call in runtime.system_calls
            if call.level != "none" and call.name not in left_out
        ),
        drivers=runtime.drivers,
        notes=notes,
        objects=tuple(name for part in parts for name in part.objects),
    )


def _use_of(part: Part, runtime: Runtime, analysis: Analysis) -> str | None:
    """Why a program needs a part; None when nothing of it shows a use."""
    if part.name in analysis.unneeded:
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


def _stack_notes(analysis: Analysis) -> tuple[str, ...]:
    executable_stacks = sorted(
        elf.path for elf in analysis.elves.values() if elf.is_executable_stack
    )
    return tuple(
        f"{path} asks for an executable stack and does not get one" for path in executable_stacks
    )
