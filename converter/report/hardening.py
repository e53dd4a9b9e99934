"""What compiler and linker were asked for in ELF files: a figure a property, and who enforces it in
the guest."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..model import Node, Rootfs, Tree
from .hardening_gaps import Hardening
from .metrics import Metric, once
from .program_facts import facts_of
from .search_path import open_directories

_READ = (
    "of programs and libraries for x86-64 of up to 512 MiB whose headers can be read, a file with "
    "several names once"
)
# Gap, what it is called in one file, the figure's name, its definition, and who enforces it in the
# guest: what nobody enforces there is worth nothing there.
_PROPERTIES = (
    ("pie", "not position-independent", "ELF programs without PIE",
     "type ET_EXEC: it is loaded at the address that it names", "the kernel, at random addresses"),
    ("relro", "no RELRO", "ELF files without RELRO",
     "no PT_GNU_RELRO: what the dynamic linker fills in stays writable",
     "the program's dynamic linker"),
    ("full_relro", "partial RELRO", "ELF files with partial RELRO",
     "PT_GNU_RELRO without BIND_NOW: functions' addresses stay writable",
     "the program's dynamic linker"),
    ("bind_now", "no BIND_NOW", "ELF files without BIND_NOW",
     "a dynamic section with none of DT_BIND_NOW, DF_BIND_NOW and DF_1_NOW",
     "the program's dynamic linker"),
    ("nx_stack", "asks for an executable stack", "ELF files with executable stack",
     "PT_GNU_STACK with PF_X; without that header Linux gives x86-64 a plain stack",
     "the kernel: no stack is executable, whatever is asked for"),
    ("canary", "no canary", "ELF files without canary",
     "__stack_chk_fail is neither imported nor defined; not known, and not counted, of what "
     "imports nothing", "the program itself"),
    ("fortify", "no FORTIFY", "ELF files without FORTIFY",
     "functions are imported that have a checking twin (__NAME_chk), and no such twin",
     "the program itself"),
    ("ibt", "no IBT", "ELF files without IBT",
     "GNU_PROPERTY_X86_FEATURE_1_AND in .note.gnu.property lacks IBT (CET)",
     "nobody: the mark changes nothing in the guest"),
    ("shstk", "no shadow stack", "ELF files without shadow stack",
     "GNU_PROPERTY_X86_FEATURE_1_AND in .note.gnu.property lacks SHSTK (CET)",
     "nobody: the mark changes nothing in the guest"),
)  # fmt: skip
# No gap of one file: partial RELRO says the first, and no kernel here uses CET's marks.
_UNCOUNTED = frozenset(("bind_now", "ibt", "shstk"))


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    hardening: Hardening
    open_search_path: tuple[str, ...]  # directories of its search path that others may fill


_Read = Sequence[_File]


def hardening_metrics(tree: Tree, rootfs: Rootfs) -> tuple[Metric, ...]:
    sides = [_read(tuple(nodes)) for nodes in (tree, rootfs.nodes)]
    return (
        _metric(
            "elf_unhardened", "ELF files that lack hardening",
            "no PIE, RELRO in part or not at all, no stack canary, no FORTIFY where it would do "
            "something, an executable stack, or a search path that others may fill",
            _lacking, sides,
        ),
        *(_property(row, sides) for row in _PROPERTIES),
        _metric(
            "elf_search_path", "ELF files with RPATH or RUNPATH",
            "DT_RPATH or DT_RUNPATH names directories; in the guest the program's dynamic linker "
            "looks there",
            _searching, sides,
        ),
        _metric(
            "elf_open_search_path", "ELF files with open RPATH or RUNPATH",
            "others may fill one of these directories: it is relative, empty (glibc: the working "
            "directory), /tmp, /var/tmp, /dev/shm or below, or its mode or one above lets them",
            _open, sides,
        ),
    )  # fmt: skip


def _read(nodes: Sequence[Node]) -> _Read:
    by_path = {node.path: node for node in nodes}
    found = ((node, facts_of(node).hardening) for node in once(nodes))
    return [_file(node, hardening, by_path) for node, hardening in found if hardening is not None]


def _file(node: Node, hardening: Hardening, by_path: Mapping[str, Node]) -> _File:
    origin = posixpath.dirname(node.path)
    found = open_directories(hardening.search_path, origin, by_path)
    return _File(node.path, hardening, tuple(found))


def _property(row: tuple[str, str, str, str, str], sides: Sequence[_Read]) -> Metric:
    gap, _, title, definition, enforced = row

    def line(file: _File) -> str:
        return file.path if gap in file.hardening.gaps else ""

    definition = f"{definition}; enforced in the guest by {enforced}"
    return _metric(f"elf_no_{gap}", title, definition, line, sides)


def _metric(
    name: str, title: str, definition: str, line: Callable[[_File], str], sides: Sequence[_Read]
) -> Metric:
    """Of files that `line` says something of: what is empty is none."""
    old, new = ([(one.path, said) for one in files if (said := line(one))] for files in sides)
    return Metric(
        name, title, "files", len(old), len(new), f"{_READ}: {definition}",
        *(tuple(said for _, said in side) for side in (old, new)),
        *(tuple(path for path, _ in side) for side in (old, new)),
    )  # fmt: skip


def _lacking(file: _File) -> str:
    gaps = ", ".join(_said(file))
    return f"{file.path}: {gaps}" if gaps else ""


def _said(file: _File) -> Iterator[str]:
    for gap, said, *_ in _PROPERTIES:
        if gap in file.hardening.gaps and gap not in _UNCOUNTED:
            yield said
    for directory in file.open_search_path:
        yield f"looks for libraries in {directory or 'the working directory'}"


def _searching(file: _File) -> str:
    directories = file.hardening.search_path
    return f"{file.path}: {':'.join(directories)}" if directories else ""


def _open(file: _File) -> str:
    directories = ":".join(one or "(working directory)" for one in file.open_search_path)
    return f"{file.path}: {directories}" if directories else ""
