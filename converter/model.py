"""The values that stages take and return. All frozen; none knows where it came from or prints.

Paths inside an image are absolute POSIX strings without `.`/`..` components ("/usr/sbin/nginx").
Sizes are bytes, modes are st_mode permission bits (0o7777), times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Protocol

# ------------------------------------------------------------------ image (ingest)


class NodeType(Enum):
    """File types an image can hold (inode(7))."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    CHARACTER_DEVICE = "character device"
    BLOCK_DEVICE = "block device"
    FIFO = "fifo"


class Content(Protocol):
    """A regular file's bytes, held by layer and offset rather than in memory."""

    @property
    def size(self) -> int: ...

    def read(self) -> bytes: ...

    def open(self) -> BinaryIO: ...


@dataclass(frozen=True, slots=True)
class Node:
    """One path of the merged file system."""

    path: str
    type: NodeType
    mode: int
    uid: int
    gid: int
    mtime: int
    content: Content | None = None  # regular files only
    target: str | None = None  # symlinks only, as written
    device: tuple[int, int] | None = None  # major, minor
    xattrs: Mapping[str, bytes] = field(default_factory=dict)
    inode: int = 0  # equal for hard links to one file; unique otherwise
    layer: int = 0  # index of the layer that gave this version of the path

    @property
    def size(self) -> int:
        return self.content.size if self.content is not None else 0


class Tree(Protocol):
    """The merged view of an image's layers; lookups never leave it."""

    def __iter__(self) -> Iterator[Node]:
        """Every node in path order, parents first."""

    def __len__(self) -> int: ...

    def get(self, path: str) -> Node | None:
        """The node at exactly this path; symlinks in it are not followed."""

    def resolve(self, path: str, *, cwd: str = "/") -> Node | None:
        """The node `path` leads to with every symlink followed inside the tree
        (path_resolution(7)); None when there is none or a loop."""

    def chain(self, path: str) -> tuple[str, ...]:
        """Every node path that resolving `path` passes through and needs, symlinks included, in
        the order met, the final node last; empty when it leads nowhere."""

    def children(self, path: str) -> tuple[Node, ...]:
        """A directory's direct entries in name order; empty for anything else."""


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What OCI image-spec config.md § `config` says about running the image."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[str, ...] = ()  # "NAME=value"
    working_dir: str = "/"
    user: str = ""
    exposed_ports: tuple[str, ...] = ()  # "80/tcp"
    volumes: tuple[str, ...] = ()
    stop_signal: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    architecture: str = "amd64"
    os: str = "linux"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its diff_id ("sha256:…") and the uncompressed size in bytes."""

    diff_id: str
    size: int
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """A container image, read; `digest` is the image ID, the sha256 of its config."""

    reference: str  # as the user typed it
    digest: str
    config: ImageConfig
    layers: tuple[Layer, ...]
    tree: Tree


# ------------------------------------------------------------------ entrypoint


@dataclass(frozen=True, slots=True)
class AppliedRecipe:
    """A data file of `recipes/` that changed something, with the reason written in it."""

    name: str
    reason: str
    change: str  # what it did, in one line
    write_execute: str = ""  # why memory may be writable and executable at once; empty: it may not


@dataclass(frozen=True, slots=True)
class Entrypoint:
    """The one program the image runs, and how (execve(2), credentials(7))."""

    exe: str  # canonical path of the ELF
    argv: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    umask: int
    stop_signal: int
    ports: tuple[str, ...]  # "80/tcp"
    method: str  # "elf", "wrapper script", …
    evidence: tuple[str, ...]  # what was seen, in order, one line each
    recipes: tuple[AppliedRecipe, ...] = ()


# ------------------------------------------------------------------ analyse


@dataclass(frozen=True, slots=True)
class ElfFile:
    """What the gABI headers of one ELF file say."""

    path: str
    type: str  # "ET_EXEC", "ET_DYN"
    machine: str  # "x86_64"
    interpreter: str | None
    needed: tuple[str, ...]
    runpath: tuple[str, ...]
    rpath: tuple[str, ...]
    soname: str | None
    is_executable_stack: bool
    imports: frozenset[str] = frozenset()  # functions and data it takes from others
    named_calls: frozenset[int] = frozenset()  # system call numbers its code may give syscall(2)
    is_self_contained: bool = False  # what it calls shows in no import: static, or made by Go


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package and the paths it owns."""

    name: str
    version: str
    source: str
    files: tuple[str, ...]
    depends: tuple[str, ...] = ()  # installed packages it cannot do without


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the program needs: each path with the reason it was found by."""

    elves: Mapping[str, ElfFile]  # every ELF of the closure, by path
    needed: Mapping[str, str]  # path -> reason, e.g. "DT_NEEDED libssl.so.3 of /usr/sbin/nginx"
    packages: tuple[Package, ...]
    findings: tuple[str, ...]  # what could not be decided, in words
    unneeded: Mapping[str, str] = field(default_factory=dict)  # part of a runtime -> why not


# ------------------------------------------------------------------ strip


@dataclass(frozen=True, slots=True)
class Keep:
    path: str
    because: str


@dataclass(frozen=True, slots=True)
class Drop:
    path: str
    because: str


@dataclass(frozen=True, slots=True)
class Rootfs:
    """The stripped file system and the decision about every path of the image."""

    nodes: tuple[Node, ...]  # what goes in, parents first; rewritten files included
    decisions: tuple[Keep | Drop, ...]  # one for each path of the source tree, in path order
    added: tuple[Keep, ...]  # paths that were not in the image, or were rewritten, and why


# ------------------------------------------------------------------ match and link


@dataclass(frozen=True, slots=True)
class SystemCall:
    """A row of a runtime's system call table."""

    number: int
    name: str
    level: str  # "full", "partial", "none"
    note: str
    signature: str = "?"  # its arguments for tracing; "?" when nobody wrote them down


@dataclass(frozen=True, slots=True)
class Part:
    """What of a runtime only programs with a use for it carry."""

    name: str
    calls: frozenset[str]  # names of system calls
    objects: tuple[str, ...]  # of the library, named as drivers are
    imports: frozenset[str]  # functions; who imports one has a use for it


@dataclass(frozen=True, slots=True)
class Runtime:
    """A library OS as its runtime.toml and capabilities.json describe it."""

    name: str
    version: str
    directory: Path
    library: Path  # static archive
    linker_script: Path
    elf_types: tuple[str, ...]
    system_calls: tuple[SystemCall, ...]
    drivers: tuple[str, ...]
    machines: tuple[str, ...]
    minimum_memory_bytes: int
    parts: tuple[Part, ...] = ()
    elf_machine: str = "x86_64"


@dataclass(frozen=True, slots=True)
class Match:
    runtime: Runtime
    system_calls: tuple[SystemCall, ...]  # what will be linked
    drivers: tuple[str, ...]
    notes: tuple[str, ...]
    objects: tuple[str, ...] = ()  # of the parts that are linked


@dataclass(frozen=True, slots=True)
class Artifact:
    """A linked, bootable kernel image."""

    path: Path  # unikernel.elf
    sha256: str
    size: int
    kernel_bytes: int  # loaded bytes without the root archive
    archive_bytes: int
    match: Match


# ------------------------------------------------------------------ verify


@dataclass(frozen=True, slots=True)
class Probe:
    """One question asked of the booted guest, and the answer."""

    port: str
    request: str
    answer: str
    is_passed: bool


@dataclass(frozen=True, slots=True)
class BootResult:
    """What a verified boot showed."""

    machine: str
    accelerator: str
    command: str
    boot_ms: float  # start of QEMU to the first answer
    probes: tuple[Probe, ...]
    console: str
    is_passed: bool
    missed_system_calls: tuple[str, ...] = ()  # asked for by the program and not in the image
