"""What one ELF file lacks of what compiler and linker can be asked for (checksec)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..model import ElfFile

# Functions that _FORTIFY_SOURCE replaces by __NAME_chk where a size is not known to fit
# (feature_test_macros(7)). The ones that nearly every program in C calls; others would add little.
_CHECKED = (
    "fgets", "fprintf", "memcpy", "memmove", "memset", "printf", "read", "snprintf", "sprintf",
    "strcat", "strcpy", "strncpy", "vfprintf", "vsnprintf",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hardening:
    """`gaps` are names of what is not there, `search_path` the directories that it has libraries
    looked for in, as written."""

    gaps: tuple[str, ...] = ()
    search_path: tuple[str, ...] = ()


def found(file: ElfFile, search_path: tuple[str, ...]) -> Hardening:
    return Hardening(tuple(_gaps(file)), search_path)


def _gaps(file: ElfFile) -> Iterator[str]:
    """Canary and FORTIFY are not known of what imports nothing: a static or a Go program."""
    if file.type == "ET_EXEC":
        yield "pie"
    if file.relro == "none":
        yield "relro"
    if file.relro == "partial":
        yield "full_relro"
    if file.is_bound_lazily:
        yield "bind_now"
    if file.is_executable_stack:
        yield "nx_stack"
    if not file.has_canary and not file.is_self_contained:
        yield "canary"
    if _is_unfortified(file.imports):
        yield "fortify"
    if not file.has_branch_tracking:
        yield "ibt"
    if not file.has_shadow_stack:
        yield "shstk"


def _is_unfortified(imports: Iterable[str]) -> bool:
    """Whether functions that have a checking twin are called and not one twin is."""
    names = frozenset(imports)
    if any(name.startswith("__") and name.endswith("_chk") for name in names):
        return False
    return not names.isdisjoint(_CHECKED)
