"""What compiler and linker were asked for in the kept ELF files (checksec), and what of that the
runtime enforces at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model import Analysis, ElfFile, Rootfs
from .metrics import Metric, limited

_ENFORCED = (
    "enforced in the guest: pages that are not executable, and PIE at random addresses, by the "
    "kernel; RELRO by the program's own dynamic linker; canaries by the program itself; CET is not"
)


def hardening_metrics(analysis: Analysis, rootfs: Rootfs) -> tuple[Metric, ...]:
    """Of those whose headers were read; before is not known, for not every file was."""
    kept = {node.path for node in rootfs.nodes}
    elves = [one for path, one in sorted(analysis.elves.items()) if path in kept]
    lacking = [f"{one.path}: {', '.join(gaps)}" for one in elves if (gaps := list(_gaps(one)))]
    return (
        Metric(
            "elf_unhardened", "ELF files that lack hardening", "files", None, len(lacking),
            "kept ELF files that are no PIE, have RELRO in part or not at all, no stack canary, an "
            f"executable stack, or a search path that others may fill; {_ENFORCED}",
            (), limited(lacking),
        ),
    )  # fmt: skip


def _gaps(one: ElfFile) -> Iterator[str]:
    if one.type == "ET_EXEC":
        yield "not position-independent"
    if one.relro != "full":
        yield "partial RELRO" if one.relro == "partial" else "no RELRO"
    if not one.has_canary:
        yield "no canary"
    if one.is_executable_stack:
        yield "asks for an executable stack"
    yield from _open_paths((*one.rpath, *one.runpath))


def _open_paths(directories: Iterable[str]) -> Iterator[str]:
    """ld.so(8): a relative path is of wherever the program is started."""
    for directory in directories:
        if not directory.startswith(("/", "$ORIGIN", "${ORIGIN}")) or directory.startswith("/tmp"):
            yield f"looks for libraries in {directory}"
