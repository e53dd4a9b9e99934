"""A boot in which an attacker is in the program's place, to see what the guest lets it do.

It is the bundle's kernel: the same library, table of system calls and drivers, linked over the same
files and one more, the attack program, which is started with the program's identity, capabilities,
limits, environment and directory. What differs from the bundle's kernel image is that file, which
program is started, and the addresses that move with them (docs/decisions/attacks.md).
"""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from . import bundle, verify
from .contents import HostFile
from .known_programs import is_shell
from .link import Program, link_programs
from .model import Artifact, Entrypoint, Node, NodeType, Rootfs
from .scenarios import SCENARIOS, Attempt, Record, Scenario, judge, not_run

PROGRAM = "/.dock2uk-attacker"
_USUAL_SHELLS = tuple(
    posixpath.join(directory, name)
    for directory in ("/bin", "/usr/bin")
    for name in ("sh", "bash", "dash", "ash", "busybox")
)
_USUAL_DIRECTORIES = ("/tmp", "/var/tmp", "/dev/shm", "/run")
_MOST_PLACES = 8  # of a kind: more say nothing new
_ROOT_USER = 0


def attack(rootfs: Rootfs, entrypoint: Entrypoint, artifact: Artifact) -> tuple[Attempt, ...]:
    """What came of each scenario, in order."""
    attacker = artifact.match.runtime.attacker
    if attacker is None:
        return none_run(f"{artifact.match.runtime.name} brings no attack program")
    if not attacker.exists():
        return none_run(f"{attacker.name} is not built: make husk")
    with tempfile.TemporaryDirectory(prefix="dock2uk-") as directory:
        image = link_attacks(rootfs, entrypoint, artifact, Path(directory, "attacks.elf"))
        attacks = verify.Attacks(
            image=image.path,
            count=len(SCENARIOS),
            machine=artifact.match.machines[0],
            memory_mb=bundle.default_memory_mb(artifact, entrypoint),
        )
        return tuple(_judged(verify.attack(attacks)))


def none_run(because: str) -> tuple[Attempt, ...]:
    """Every scenario, tried or not, is in the report."""
    return tuple(not_run(scenario, because) for scenario in SCENARIOS)


def link_attacks(
    rootfs: Rootfs, entrypoint: Entrypoint, artifact: Artifact, path: Path
) -> Artifact:
    """The bundle's kernel over its files and the attack program, which is run once a scenario."""
    attacker = artifact.match.runtime.attacker
    assert attacker is not None
    content = HostFile(attacker)
    node = Node(PROGRAM, NodeType.FILE, 0o755, uid=0, gid=0, mtime=0, content=content)
    nodes = (*(one for one in rootfs.nodes if one.path != PROGRAM), node)
    return link_programs(nodes, attack_programs(rootfs, entrypoint), artifact.match, path)


def attack_programs(rootfs: Rootfs, entrypoint: Entrypoint) -> tuple[Program, ...]:
    """One for each scenario, in order: the program in everything but what is executed."""
    program = Program.of(entrypoint)
    return tuple(
        replace(program, exe=PROGRAM, argv=("attacker", one.id, *_places(one, rootfs, program)))
        for one in SCENARIOS
    )


def _judged(records: Sequence[Record]) -> Iterator[Attempt]:
    """The guest may have ended before the last."""
    for index, scenario in enumerate(SCENARIOS):
        if index < len(records):
            yield judge(scenario, records[index])
        else:
            yield not_run(scenario, "the guest had ended, or did not come to it in time")


def _places(scenario: Scenario, rootfs: Rootfs, program: Program) -> tuple[str, ...]:
    """Where it is tried. The last one decides where none will do, so the surest is last."""
    if scenario.id == "shell":
        kept = [node.path for node in rootfs.nodes if is_shell(node)]
        return (*_USUAL_SHELLS, *kept[:_MOST_PLACES])
    if scenario.id.startswith("dropped"):
        theirs = [node.path for node in rootfs.nodes if _is_writable(node, program)]
        places = (program.cwd, *theirs[:_MOST_PLACES], *_USUAL_DIRECTORIES, "/")
        return tuple(dict.fromkeys(place.rstrip("/") for place in places))
    return ()


def _is_writable(directory: Node, program: Program) -> bool:
    """By its mode, for the program's user (path_resolution(7))."""
    if directory.type is not NodeType.DIRECTORY:
        return False
    if directory.uid == program.uid:
        return bool(directory.mode & 0o200)
    if directory.gid in (program.gid, *program.groups):
        return bool(directory.mode & 0o020)
    return program.uid == _ROOT_USER or bool(directory.mode & 0o002)
