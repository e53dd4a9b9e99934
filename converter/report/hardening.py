"""What compiler and linker were asked for in the kept ELF files (checksec), and what of that the
runtime enforces at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model import Analysis, ElfFile, Rootfs
from .metrics import Metric, limited

# Functions that _FORTIFY_SOURCE replaces by __NAME_chk where a size is not known to fit
# (feature_test_macros(7)). The ones that nearly every program in C calls; others would add little.
_CHECKED = (
    "fgets", "fprintf", "memcpy", "memmove", "memset", "printf", "read", "snprintf", "sprintf",
    "strcat", "strcpy", "strncpy", "vfprintf", "vsnprintf",
)  # fmt: skip
_ENFORCED = (
    "enforced in the guest: pages that are not executable, and PIE at random addresses, by the "
    "kernel; RELRO by the program's own dynamic linker; canaries and FORTIFY by the "
    "program itself; CET by nobody"
)


def hardening_metrics(analysis: Analysis, rootfs: Rootfs) -> tuple[Metric, ...]:
    """Of those whose headers were read; before is not known, for not every file was."""
    kept = {node.path for node in rootfs.nodes}
    elves = [one for path, one in sorted(analysis.elves.items()) if path in kept]
    lacking = [f"{one.path}: {', '.join(gaps)}" for one in elves if (gaps := list(_gaps(one)))]
    return (
        Metric(
            "elf_unhardened", "ELF files that lack hardening", "files", None, len(lacking),
            "kept ELF files that are no PIE, have RELRO in part or not at all, no stack canary, no "
            "FORTIFY where it would do something, an executable stack, or a search path that "
            "others may fill; canary and FORTIFY are not known, and not counted, of what imports "
            f"nothing; {_ENFORCED}",
            (), limited(lacking),
        ),
    )  # fmt: skip


def _gaps(one: ElfFile) -> Iterator[str]:
    if one.type == "ET_EXEC":
        yield "not position-independent"
    if one.relro != "full":
        yield "partial RELRO" if one.relro == "partial" else "no RELRO"
    if not one.has_canary and not one.is_self_contained:
        yield "no canary"
    if _is_unfortified(one.imports):
        yield "no FORTIFY"
    if one.is_executable_stack:
        yield "asks for an executable stack"
    yield from _open_paths((*one.rpath, *one.runpath))


def _is_unfortified(imports: frozenset[str]) -> bool:
    """Whether functions that have a checking twin are called and not one twin is."""
    if any(name.startswith("__") and name.endswith("_chk") for name in imports):
        return False
    return any(name in imports for name in _CHECKED)


def _open_paths(directories: Iterable[str]) -> Iterator[str]:
    """ld.so(8): a relative path is of wherever the program is started."""
    for directory in directories:
        if not directory.startswith(("/", "$ORIGIN", "${ORIGIN}")) or directory.startswith("/tmp"):
            yield f"looks for libraries in {directory}"
