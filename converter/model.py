"""The values that stages take and return. All frozen; none knows where it came from or prints.

Paths inside an image are absolute POSIX strings without `.`/`..` components ("/usr/sbin/nginx").
Sizes are bytes, modes are st_mode permission bits (0o7777), times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from .runtime import Match

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


@runtime_checkable
class OnePiece(Protocol):
    """Content that lies in a file in one piece, from where the kernel can copy it by itself."""

    def piece(self) -> tuple[Path, int]:
        """The file, and the offset in it."""


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
    created: str = ""  # RFC 3339, as the image says it
    history: tuple[str, ...] = ()  # `created_by` of every entry, those without a layer too
    health_check: tuple[str, ...] = ()  # Docker's `Healthcheck`, its `Test`
    on_build: tuple[str, ...] = ()  # Docker's `OnBuild`
    architecture: str = "amd64"
    os: str = "linux"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its diff_id ("sha256:…") and the uncompressed size in bytes."""

    diff_id: str
    size: int
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A file that a layer has and the merged tree has not: whoever has the image can read it."""

    node: Node
    layer: int  # the index of the layer that deleted or replaced it


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile; variables in its value are replaced where known."""

    line: int  # where it begins, from 1
    name: str  # "RUN"
    value: str  # in one line, without the bodies of heredocs
    stage: int  # from 0; -1 before the first FROM
    heredocs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DockerfileFinding:
    """Something that a line of a Dockerfile says about the image."""

    line: int
    rule: str  # "entrypoint", "unpinned-base", "secret", …
    message: str


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """What an image was built from, where it was built here."""

    path: str  # as the user typed it
    instructions: tuple[Instruction, ...]
    final_stage: int
    findings: tuple[DockerfileFinding, ...]  # in the order of lines


@dataclass(frozen=True, slots=True)
class Origin:
    """What others know an image by; the name alone where it is in no registry."""

    name: str = ""  # the last component of a repository, or a file's name
    repository: str = ""  # HOST[:PORT]/PATH of its registry; never a path of this machine
    digests: tuple[str, ...] = ()  # of its manifest, then of the indexes that lead to it


@dataclass(frozen=True, slots=True)
class Image:
    """A container image, read; `digest` is the image ID, the sha256 of its config."""

    reference: str  # as the user typed it
    digest: str
    config: ImageConfig
    layers: tuple[Layer, ...]
    tree: Tree
    dockerfile: Dockerfile | None = None
    hidden: tuple[Hidden, ...] = ()
    origin: Origin = Origin()


# ------------------------------------------------------------------ entrypoint


@dataclass(frozen=True, slots=True)
class Overrides:
    """What `docker run` lets its caller say in place of the image's config; None: nothing."""

    entrypoint: tuple[str, ...] | None = None  # (): reset, as `--entrypoint ""` does
    cmd: tuple[str, ...] | None = None
    env: tuple[str, ...] = ()  # "NAME=value"; the last of a name wins
    user: str | None = None
    workdir: str | None = None


@dataclass(frozen=True, slots=True)
class AppliedRecipe:
    """A data file of `recipes/` that changed something, with the reason written in it."""

    name: str
    reason: str
    change: str  # what it did, in one line
    write_execute: str = ""  # why memory may be writable and executable at once; empty: it may not


@dataclass(frozen=True, slots=True)
class Change:
    """One path that the image's start-up made, changed or removed."""

    path: str
    node: Node | None  # as start-up left it; None: it is gone


class DifferenceKind(Enum):
    """Why two recorded runs of one start-up do not agree on something."""

    MACHINE = "machine-dependent"  # host name, address, time, number of processors
    SECRET = "secret"  # a random value, or a name that says so


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that depends on where the start-up runs, or must not be known to others."""

    subject: str  # "/etc/app.conf", "environment variable HOSTNAME", "argument 2"
    kind: DifferenceKind
    detail: str
    is_baked: bool


@dataclass(frozen=True, slots=True)
class ResourceLimit:
    """A limit of getrlimit(2); None is RLIM_INFINITY."""

    name: str  # "RLIMIT_NOFILE"
    soft: int | None
    hard: int | None


class Confidence(Enum):
    """How far an Entrypoint can be relied on."""

    CERTAIN = "certain"  # nothing was left to decide
    RECORDED = "recorded"  # seen happening, twice, the same
    READ = "read"  # follows from the scripts; the files they make were not made


@dataclass(frozen=True, slots=True)
class SeenRun:
    """What recorded runs of the container showed of it at work, until it rested."""

    written: tuple[str, ...] | None  # paths of its root, volumes among them; None: not readable
    processes: tuple[str, ...] | None  # the executable of each at rest; None: the program ended
    forks: int | None  # processes made after it first listened; None: it did not
    execs: int | None
    binders: tuple[tuple[str, int], ...]  # "tcp 0.0.0.0:80" and the effective user at bind(2)
    called: Mapping[str, frozenset[int]]  # by executable: numbers of system calls that it made
    has_no_new_privileges: bool = False  # at the final execve(2): prctl(2), PR_SET_NO_NEW_PRIVS


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
    confidence: Confidence = Confidence.CERTAIN
    capabilities: tuple[str, ...] = ()  # effective ones, capabilities(7): "CAP_CHOWN"
    limits: tuple[ResourceLimit, ...] = ()  # those that start-up set
    listening: tuple[str, ...] = ()  # "tcp 0.0.0.0:80", "unix /run/app.sock"; seen, not guessed
    changes: tuple[Change, ...] = ()  # what start-up did to the files, to be baked in
    differences: tuple[Difference, ...] = ()
    children: tuple[str, ...] = ()  # canonical paths of other programs that it runs by itself
    seen: SeenRun | None = None  # None: no run was recorded

    @property
    def asked_ports(self) -> tuple[str, ...]:
        """Those that something was seen listening on; all, where nothing was seen."""
        heard = set(reachable_ports(self.listening))
        return tuple(port for port in self.ports if not heard or port in heard)


def reachable_ports(listening: Iterable[str]) -> Iterator[str]:
    """Of sockets as `Entrypoint` has them, the ports that are open to others, as an image's
    configuration writes them: 80/tcp."""
    for socket in listening:
        protocol, _, address = socket.partition(" ")
        host, _, port = address.rpartition(":")
        if protocol in ("tcp", "udp") and not host.startswith(("127.", "[::1]")):
            yield f"{port}/{protocol}"


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
    relro: str = "none"  # "full", "partial"
    has_canary: bool = False
    imports: frozenset[str] = frozenset()  # functions and data it takes from others
    is_go: bool = False
    is_self_contained: bool = False  # what it calls shows in no import: static, or made by Go
    is_bound_lazily: bool = False  # what it takes from others is looked up at the first call
    has_branch_tracking: bool = False  # CET's two marks
    has_shadow_stack: bool = False


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package and the paths it owns."""

    name: str
    version: str
    source: str
    files: tuple[str, ...]  # canonical, directories too where the database lists them
    depends: tuple[str, ...] = ()  # installed packages it cannot do without
    ecosystem: str = ""  # the type of its purl: "deb", "apk", "rpm", "pypi", …
    purl: str = ""
    source_version: str = ""
    architecture: str = ""
    recorded_in: str = ""  # the path that says it is there
    part_of: str = ""  # name of the distribution's package that brought it
    is_file_list_known: bool = True


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where a system call's number is settled, and a way there from where the system enters."""

    path: str  # of the ELF file
    address: int
    chain: tuple[str, ...]  # a line for each function on the way


@dataclass(frozen=True, slots=True)
class Sockets:
    """What code gives socket(2), by Linux's numbers; anything at all where `because` says why."""

    families: frozenset[int] = frozenset()
    types: frozenset[int] = frozenset()
    because: str = ""


@dataclass(frozen=True, slots=True)
class ReachableCalls:
    """System calls that the code can make, by number; any at all where `unbounded` says why."""

    sites: Mapping[int, CallSite]
    per_file: Mapping[str, frozenset[int]] = field(default_factory=dict)
    unbounded: tuple[str, ...] = ()  # file, and why a number in it is not known
    notes: tuple[str, ...] = ()
    sockets: Sockets = Sockets()


@dataclass(frozen=True, slots=True)
class Observed:
    """What one run of the whole image opened and called."""

    because: str  # which run
    paths: frozenset[str]  # of the image, symlinks on the way among them
    calls: frozenset[int]
    forks: int | None = None  # processes that made a call first once it listened; None: it did not
    execs: int | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the program needs: each path with the reason it was found by."""

    elves: Mapping[str, ElfFile]  # every ELF of the closure, by path
    needed: Mapping[str, str]  # path -> reason, e.g. "DT_NEEDED libssl.so.3 of /usr/sbin/nginx"
    packages: tuple[Package, ...]
    findings: tuple[str, ...]  # what could not be decided, in words
    unneeded: Mapping[str, str] = field(default_factory=dict)  # part of a runtime -> why not
    calls: ReachableCalls | None = None  # None: not analysed
    mentions: frozenset[str] | None = None  # of /proc and its like, what is named; None: unknown
    unread: str = ""  # why there may be programs whose code was not looked at; empty: there is none
    made_calls: frozenset[int] | None = None  # by a run that decides; None: no run does
    left_out: Mapping[str, str] = field(default_factory=dict)  # path -> what unneeded thing it is


# ------------------------------------------------------------------ strip


class StripMode(Enum):
    """How much of an image is left out."""

    SAFE = "safe"  # what is known to be dangerous or dead
    CLOSURE = "closure"  # all but what the program needs
    TRACED = "traced"  # the same, with what a run under the questions opened
    NONE = "none"  # nothing


class PruneMode(Enum):
    """Which system calls are left out of the kernel."""

    REACHABLE = "reachable"  # those that no code can reach
    TRACED = "traced"  # those that no run made
    NONE = "none"  # none


@dataclass(frozen=True, slots=True)
class Rule:
    """What the user says of the paths that a pattern means."""

    pattern: str
    origin: str  # "--keep /usr/share/misc", ".dock2uk.toml: keep /usr/share/misc"
    reason: str = ""

    @property
    def because(self) -> str:
        return f"{self.origin}: {self.reason}" if self.reason else self.origin


@dataclass(frozen=True, slots=True)
class Stripping:
    """What the user wants kept and dropped."""

    mode: StripMode = StripMode.CLOSURE
    keep: tuple[Rule, ...] = ()
    drop: tuple[Rule, ...] = ()
    file: str = ""  # where some of the rules stand
    prune: PruneMode = PruneMode.REACHABLE

    @property
    def is_traced(self) -> bool:
        """Whether a run has to be watched."""
        return self.mode is StripMode.TRACED or self.prune is PruneMode.TRACED


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
    notes: tuple[str, ...] = ()  # what the user asked for and did not get, or may regret


# ------------------------------------------------------------------ match and link


@dataclass(frozen=True, slots=True)
class Artifact:
    """A linked, bootable kernel image."""

    path: Path  # unikernel.elf
    sha256: str
    size: int
    kernel_bytes: int  # loaded bytes without the root archive
    code_bytes: int  # of those, what can be executed
    library_code_bytes: int  # what could have been linked
    archive_bytes: int
    match: Match


# ------------------------------------------------------------------ verify


class QuestionKind(Enum):
    """How a question is put."""

    HTTP = "http"
    TCP = "tcp"
    EXEC = "exec"
    RUN = "run"  # of a program that no port leads to: whether it ends well, or runs on


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask of a running program."""

    kind: QuestionKind
    text: str  # as `--probe` has it
    port: int = 0  # of TCP; 0 for a command
    path: str = "/"
    host: str = "localhost"  # of HTTP's header
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checks:
    """How a conversion is checked."""

    questions: tuple[Question, ...] = ()  # to ask of the result; and a page of each port beside
    is_verified: bool = True  # boot it, to see that it serves
    is_compared: bool = True  # with its container, where an engine has it
    is_attacked: bool = True  # in a boot of its own


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, read whole."""

    status: int
    headers: tuple[tuple[str, str], ...]  # in the order sent
    body_bytes: int
    body_sha256: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question."""

    said: str  # in words
    is_passed: bool
    response: Response | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """One question asked of the booted guest, and the answer."""

    question: Question
    answer: Answer


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


@dataclass(frozen=True, slots=True)
class Compared:
    """One question's answers, of the guest and of the container."""

    question: Question
    differences: tuple[str, ...]  # "status: 200 in the container, 404 in the unikernel"
    varying: tuple[str, ...]  # what the container itself does not say the same twice


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the container says to the questions of the boot."""

    reason: str  # why it was not compared; empty: it was
    compared: tuple[Compared, ...] = ()
