"""Which parts of a runtime are linked for a program, each with the reason.

A part is left out only where something shows that the program has no use for it: no code of it
makes the part's calls, opens sockets of its kind, or names its files, no kept file imports a
function for it, or a recipe says so.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..calls_document import near
from ..errors import Dock2ukError
from ..model import Analysis, ElfFile
from ..runtime import KernelWishes, Part, Runtime
from .chosen_calls import is_used, names_of_calls

_SOCKET = "socket"  # socket(2)
_C_LIBRARY = ("libc.", "ld-")  # glibc's and musl's, and what loads them


@dataclass(frozen=True, slots=True)
class Use:
    """Whether a part is linked, and why or why not."""

    is_linked: bool
    because: str


def require_parts(names: Collection[str], runtime: Runtime) -> None:
    """Dock2ukError for a name that no part of the runtime has."""
    known = [part.name for part in runtime.parts]
    for name in names:
        if name not in known:
            hint = near(name, known) or f"parts of {runtime.name}: {', '.join(known)}"
            raise Dock2ukError(f"no part of {runtime.name} is called {name!r}", hint=hint)


def use_of(part: Part, runtime: Runtime, analysis: Analysis, wishes: KernelWishes) -> Use:
    """Why a program gets a part or does without."""
    if part.name in wishes.parts:
        return Use(True, f"--keep-part {part.name!r}")
    if asked := sorted(part.calls.intersection(wishes.calls)):
        return Use(True, f"--keep-syscall {asked[0]}")
    if analysis.unread:
        return Use(True, analysis.unread)
    if part.name in analysis.unneeded:
        return Use(False, analysis.unneeded[part.name])
    if not is_used(part, runtime, analysis):
        return Use(False, "no code that is kept makes its calls")
    if part.sockets and (nobody := _opens_none(part, runtime, analysis)):
        return Use(False, nobody)
    if part.files and analysis.mentions is not None and not part.files & analysis.mentions:
        return Use(False, f"nothing that is kept names {' or '.join(sorted(part.files))}")
    return _by_imports(part, runtime, analysis)


def _opens_none(part: Part, runtime: Runtime, analysis: Analysis) -> str:
    """How it is known that the program opens no socket of the part's kind; empty: it is not."""
    reachable = analysis.calls
    if reachable is None or reachable.unbounded:
        return ""
    if _SOCKET not in names_of_calls(runtime, analysis):
        return "no code that is kept opens sockets"
    sockets = reachable.sockets
    if sockets.because:
        return ""
    for family, kind in part.sockets:
        if family in sockets.families and (kind is None or kind in sockets.types):
            return ""
    return "no code that is kept opens sockets of its kind"


def _by_imports(part: Part, runtime: Runtime, analysis: Analysis) -> Use:
    if not part.imports:
        return Use(True, "the program may use it")
    numbers = {call.number: call.name for call in runtime.system_calls if call.name in part.calls}
    for path, elf in sorted(analysis.elves.items()):
        if elf.is_self_contained or _makes_any(path, analysis):
            return Use(True, f"what {path} calls is not known")
        if imported := sorted(elf.imports & part.imports):
            return Use(True, f"{path} imports {imported[0]}")
        if made := sorted(numbers.keys() & _made_by_itself(elf, analysis)):
            return Use(True, f"{path} may call {numbers[made[0]]} by number")
    return Use(False, "no kept file imports a function for it")


def _makes_any(path: str, analysis: Analysis) -> bool:
    reasons = analysis.calls.unbounded if analysis.calls is not None else ()
    return any(reason.startswith(f"{path}: ") for reason in reasons)


def _made_by_itself(elf: ElfFile, analysis: Analysis) -> frozenset[int]:
    """Numbers that its own code gives to the kernel or to syscall(2). The C library's are for those
    who import its functions."""
    if analysis.calls is None or (elf.soname or "").startswith(_C_LIBRARY):
        return frozenset()
    return analysis.calls.per_file.get(elf.path, frozenset())
