"""match: which runtime can carry the workload, or every reason why none can.

What is linked is all the runtime has: which calls a program makes is not analysed yet, so a call
that the runtime lacks shows at run time (ENOSYS, named once on the console), not here.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UnsupportedError
from ..model import Analysis, ElfFile, Match, Runtime
from .runtimes import load_runtime, load_runtimes, parse_runtime

__all__ = ["load_runtime", "load_runtimes", "match", "offer", "parse_runtime"]


def match(analysis: Analysis, runtimes: Sequence[Runtime]) -> Match:
    """The first runtime without a gap; UnsupportedError with the gaps of all when there is none."""
    gaps: list[str] = []
    for runtime in runtimes:
        found = _gaps(analysis, runtime)
        if not found:
            return offer(runtime, _notes(analysis))
        gaps += [f"{runtime.name}: {gap}" for gap in found]
    raise UnsupportedError(tuple(gaps) or ("there is no runtime",))


def offer(runtime: Runtime, notes: tuple[str, ...] = ()) -> Match:
    """Everything the runtime has."""
    system_calls = tuple(call for call in runtime.system_calls if call.level != "none")
    return Match(runtime, system_calls, runtime.drivers, notes)


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


def _notes(analysis: Analysis) -> tuple[str, ...]:
    executable_stacks = sorted(
        elf.path for elf in analysis.elves.values() if elf.is_executable_stack
    )
    return (
        "every system call and driver of the runtime is linked: calls are not analysed yet",
        *(
            f"{path} asks for an executable stack and does not get one"
            for path in executable_stacks
        ),
    )
