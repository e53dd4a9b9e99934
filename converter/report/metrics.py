"""What is counted, before and after, each with its definition and the paths behind the number.

Files and the kernel are here; `program_metrics`, `account_metrics` and their like have the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .. import elf, file_capabilities
from ..errors import Dock2ukError
from ..known_programs import is_package_manager
from ..model import Artifact, Node, NodeType, Rootfs, Tree
from . import replaced_kernel
from .program_facts import facts_of
from .shells import shells

_SETUID, _SETGID, _GROUP_EXECUTE, _OTHERS_WRITE, _STICKY = 0o4000, 0o2000, 0o010, 0o002, 0o1000


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the report. `before` or `after` is None where it means nothing. Where each line
    of evidence is about a path of the file systems, `paths` are these, in the same order."""

    id: str
    name: str
    unit: str
    before: int | None
    after: int | None
    definition: str
    evidence_before: tuple[str, ...] = ()
    evidence_after: tuple[str, ...] = ()
    paths_before: tuple[str, ...] = ()
    paths_after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Count:
    """A metric that is the number of nodes with a property, and how each is shown."""

    id: str
    name: str
    definition: str
    has_property: Callable[[Node], bool]


def _is_file(node: Node) -> bool:
    return node.type is NodeType.FILE


def _is_setuid(node: Node) -> bool:
    return _is_file(node) and bool(node.mode & _SETUID)


def _is_setgid(node: Node) -> bool:
    """Without group execute the bit means mandatory locking, not a change of group (inode(7))."""
    return _is_file(node) and bool(node.mode & _SETGID) and bool(node.mode & _GROUP_EXECUTE)


def _is_world_writable(node: Node) -> bool:
    if node.type is NodeType.DIRECTORY:
        return bool(node.mode & _OTHERS_WRITE) and not node.mode & _STICKY
    return _is_file(node) and bool(node.mode & _OTHERS_WRITE)


_COUNTS = (
    _Count(
        "package_managers",
        "package managers",
        "files and links in program directories named as a distribution's package manager or a "
        "part of one, and in any bin or sbin as one of a language (pip, npm, gem, cargo, composer, "
        "go, conda and their like), with a version or without; not pip as a module alone",
        is_package_manager,
    ),
    _Count("setuid", "setuid files", "regular files with S_ISUID", _is_setuid),
    _Count("setgid", "setgid files", "regular files with S_ISGID and group execute", _is_setgid),
    _Count(
        "capabilities",
        "files with capabilities",
        f"regular files with a {file_capabilities.ATTRIBUTE} extended attribute, shown as "
        "getcap(8) does",
        lambda node: _is_file(node) and file_capabilities.ATTRIBUTE in node.xattrs,
    ),
    _Count(
        "world_writable",
        "world-writable paths",
        "files others may write, and directories they may write without the sticky bit",
        _is_world_writable,
    ),
)


def file_metrics(tree: Tree, rootfs: Rootfs) -> tuple[Metric, ...]:
    """What the two file systems hold."""
    before, after = tuple(tree), rootfs.nodes
    return (
        Metric(
            "files", "files", "files", _count(before), _count(after),
            "regular files of the merged layers; of the root archive",
        ),
        Metric(
            "bytes", "bytes of files", "bytes", _size(before), _size(after),
            "sizes of regular files added up, a file with several names once",
        ),
        *_elf_metrics(before, after),
        _shells(before, after),
        *(_counted(count, before, after) for count in _COUNTS),
    )  # fmt: skip


def _count(nodes: Iterable[Node]) -> int:
    return sum(1 for node in nodes if _is_file(node))


def _size(nodes: Iterable[Node]) -> int:
    by_inode = {node.inode or node.path: node.size for node in nodes if _is_file(node)}
    return sum(by_inode.values())


def _shells(before: Sequence[Node], after: Sequence[Node]) -> Metric:
    old, new = shells(before), shells(after)
    return Metric(
        "shells", "shells", "files", len(old), len(new),
        "programs named as a shell, and files with the same content or with what a POSIX shell's "
        "code holds: each file once, with every name and link that leads to it as evidence",
        _each_with_names(old), _each_with_names(new),
        *(tuple(first.path for first, *_ in found) for found in (old, new)),
    )  # fmt: skip


def _each_with_names(found: Iterable[Sequence[Node]]) -> tuple[str, ...]:
    return tuple(", ".join([shown(first), *(one.path for one in more)]) for first, *more in found)


def _counted(count: _Count, before: Sequence[Node], after: Sequence[Node]) -> Metric:
    found = [list(filter(count.has_property, nodes)) for nodes in (before, after)]
    return of_nodes(count.id, count.name, "paths", count.definition, *found)


def of_nodes(
    name: str, title: str, unit: str, definition: str, before: Sequence[Node], after: Sequence[Node]
) -> Metric:
    """How many were found, each of them evidence."""
    return Metric(
        name, title, unit, len(before), len(after), definition,
        *(tuple(shown(node) for node in nodes) for nodes in (before, after)),
        *(tuple(node.path for node in nodes) for nodes in (before, after)),
    )  # fmt: skip


def shown(node: Node) -> str:
    line = f"{node.path} ({node.mode:04o} {node.uid}:{node.gid})"
    given = node.xattrs.get(file_capabilities.ATTRIBUTE)
    return line if given is None else f"{line} {_capabilities(given)}"


def _capabilities(value: bytes) -> str:
    try:
        return file_capabilities.text(file_capabilities.read(value))
    except Dock2ukError as error:
        return str(error)


def once(nodes: Iterable[Node]) -> Iterator[Node]:
    """Each inode, by its first name."""
    seen: set[int | str] = set()
    for node in nodes:
        key = node.inode or node.path
        if key not in seen:
            seen.add(key)
            yield node


def _elf_metrics(before: Sequence[Node], after: Sequence[Node]) -> tuple[Metric, ...]:
    kinds_before, kinds_after = _elf_kinds(before), _elf_kinds(after)
    definition = (
        "regular files with an ELF header of that kind, a file with several names once; one with "
        "`.so` in its name, or that nobody may execute, counts as a library"
    )
    metrics = []
    for kind, name in (("executable", "ELF executables"), ("library", "ELF shared libraries")):
        found_before, found_after = kinds_before.get(kind, []), kinds_after.get(kind, [])
        metrics.append(
            of_nodes(f"elf_{kind}", name, "files", definition, found_before, found_after)
        )
    return tuple(metrics)


def _elf_kinds(nodes: Iterable[Node]) -> dict[str, list[Node]]:
    kinds: dict[str, list[Node]] = {}
    for node in once(nodes):
        kind = elf.kind_of(node, facts_of(node).elf_type)
        if kind is not None:
            kinds.setdefault(kind, []).append(node)
    return kinds


def kernel_metrics(artifact: Artifact) -> tuple[Metric, ...]:
    """What comes instead of the host's kernel. System calls are not compared with the host's: the
    boundary is another one."""
    match = artifact.match
    runtime = match.runtime
    return (
        Metric(
            "kernel_bytes", "kernel image", "bytes", None, artifact.kernel_bytes,
            "bytes loaded at boot without the root archive",
        ),
        Metric(
            "kernel_code", "kernel code", "bytes", None, artifact.code_bytes,
            "bytes of the kernel image that can be executed; "
            f"{runtime.name} has {artifact.library_code_bytes:,}",
        ),
        Metric(
            "archive_bytes", "root archive", "bytes", None, artifact.archive_bytes,
            "bytes of the cpio archive in the image",
        ),
        Metric(
            "system_calls", "system calls linked in", "calls", None, len(match.system_calls),
            f"handlers in the image; {runtime.name} has {len(runtime.system_calls)}",
            (), tuple(call.name for call in match.system_calls),
        ),
        Metric(
            "drivers", "drivers of the kernel", "drivers", replaced_kernel.DRIVERS,
            len(match.drivers),
            f"before: modules of drivers that {replaced_kernel.NAME} brings, which stands for the "
            "host's kernel, for that is not known here; after: drivers linked in, of "
            f"{len(runtime.drivers)} that {runtime.name} has, without what serves serial ports",
            replaced_kernel.EVIDENCE, tuple(match.drivers),
        ),
    )  # fmt: skip
