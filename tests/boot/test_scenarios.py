"""Attacks that run in booted guests: each result is one that a guest shows, and another image, user
or option changes it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.constants import P_FLAGS
from elftools.elf.elffile import ELFFile

from dock2uk.attack_run import attack, link_attacks
from dock2uk.guest import developer_runtime
from dock2uk.link import link
from dock2uk.match import offer
from dock2uk.model import AppliedRecipe, Artifact, Entrypoint, Node, Rootfs
from dock2uk.scenarios import Attempt, Result
from tests import values
from tests.boot.served import DOCK2UK, REPOSITORY
from tests.nodes import directory, file

NODES = (
    directory("/"),
    directory("/etc"),
    file("/etc/shadow", b"root:*:1::::::\n", 0o600),
    directory("/srv", uid=33),
)
# They need a thing that every kernel here has, so nothing that is linked or kept changes them.
ALWAYS_THROUGH = {"injected_code", "kernel_privilege"}
# What lies after the code moves: constants by what the boot configuration grew, or a little more
# where they are aligned; archive and data by whole pages.
MOVED, FAR = 5, 1 << 20
ALIGNMENT = 16  # of the largest constants
ALWAYS_REFUSED = {"program_code", "kernel_code", "trace", "mount", "kernel_module"}


def linked(entrypoint: Entrypoint, nodes: tuple[Node, ...], place: Path) -> tuple[Rootfs, Artifact]:
    """A kernel with every call, which hides nothing: what it refuses it refuses by its rules."""
    rootfs = Rootfs(nodes, (), ())
    return rootfs, link(rootfs, entrypoint, offer(developer_runtime()), place)


@cache
def attacked(uid: int, recipes: tuple[AppliedRecipe, ...] = ()) -> Mapping[str, Attempt]:
    entrypoint = values.entrypoint(uid=uid, gid=uid, recipes=recipes)
    with tempfile.TemporaryDirectory() as place:
        rootfs, artifact = linked(entrypoint, NODES, Path(place))
        attempts = attack(rootfs, entrypoint, artifact)
    return {one.scenario.id: one for one in attempts}


def of(result: Result, attempts: Mapping[str, Attempt]) -> set[str]:
    return {name for name, attempt in attempts.items() if attempt.result is result}


@pytest.mark.parametrize("uid", [0, 33])
def test_every_attack_runs_and_comes_to_a_result(uid: int) -> None:
    assert of(Result.NOT_RUN, attacked(uid)) == set()
    assert of(Result.NOT_BLOCKED, attacked(uid)) > ALWAYS_THROUGH
    assert of(Result.REFUSED, attacked(uid)) > ALWAYS_REFUSED


def test_what_a_kernel_with_every_call_lets_through_is_said() -> None:
    through = of(Result.NOT_BLOCKED, attacked(33))
    assert through == ALWAYS_THROUGH | {
        "dropped_program", "memory_program", "dropped_library", "kill", "fork_bomb", "listen",
        "connect",
    }  # fmt: skip


def test_root_may_more_than_a_service_s_user() -> None:
    root, service = (of(Result.NOT_BLOCKED, attacked(uid)) for uid in (0, 33))
    assert root - service == {"become_root", "password_file"}
    assert service < root
    assert attacked(33)["password_file"].because == "openat /etc/shadow: EACCES"
    assert "EPERM" in attacked(33)["become_root"].because


def test_a_program_that_may_write_and_execute_is_attacked_with_that_right() -> None:
    recipe = AppliedRecipe("app", "because", "nothing", write_execute="it compiles")
    before, after = (of(Result.NOT_BLOCKED, one) for one in (attacked(33), attacked(33, (recipe,))))
    assert after - before == {"write_execute", "program_code"}
    assert attacked(33)["write_execute"].because.startswith("mprotect PROT_WRITE|PROT_EXEC: EACCES")


def test_what_kills_an_attack_is_named() -> None:
    assert attacked(33)["program_code"].because.endswith("SIGSEGV (the mapping forbids it)")
    assert attacked(33)["kernel_code"].because.endswith("SIGSEGV (it hit the kernel's code)")


def converted(name: str, directory: Path, *options: str) -> dict[str, Any]:
    """The rows of the report by id."""
    source = f"oci:{REPOSITORY / 'build' / 'fixtures' / name}"
    command = [*DOCK2UK, "convert", source, "-o", directory, "--no-compare", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {one["id"]: one for one in json.loads(done.stdout)["scenarios"]}


def test_what_is_not_in_an_image_is_missed_by_the_attack(tmp_path: Path) -> None:
    rows = converted("static-c", tmp_path / "uk")
    absent = {name for name, row in rows.items() if row["result"] == "blocked by absence"}
    assert absent == {"shell", "password_file"}
    assert "not linked (ENOSYS)" in rows["dropped_program"]["because"]
    assert rows["connect"]["because"] == "connect 10.0.2.100:9: not linked (ENOSYS)"
    assert rows["listen"]["result"] == "not blocked"


def test_where_no_process_can_be_made_what_was_called_is_what_is_said(tmp_path: Path) -> None:
    rootfs, artifact = linked(values.entrypoint(), NODES, tmp_path)
    few = without(artifact, "fork", "vfork", "clone", "clone3", "wait4")
    found = {one.scenario.id: one for one in attack(rootfs, values.entrypoint(), few)}
    alone = "kill SIGKILL of every other process, for no child can be made: ESRCH"
    assert (found["kill"].result, found["kill"].seen) == (Result.ABSENT, (alone,))
    refused = "make 64 processes that live at once, number 1: not linked (ENOSYS)"
    assert (found["fork_bomb"].result, found["fork_bomb"].seen) == (Result.REFUSED, (refused,))
    assert found["trace"].seen[0].startswith("ptrace PTRACE_SEIZE of the first process")


def test_who_cannot_wait_for_what_it_killed_has_killed_it(tmp_path: Path) -> None:
    rootfs, artifact = linked(values.entrypoint(), NODES, tmp_path)
    attempts = attack(rootfs, values.entrypoint(), without(artifact, "wait4"))
    kill = next(one for one in attempts if one.scenario.id == "kill")
    assert (kill.result, kill.because) == (Result.NOT_BLOCKED, "kill SIGKILL of a child")
    bomb = next(one for one in attempts if one.scenario.id == "fork_bomb")
    made = "make 64 processes one after the other, for none can wait"
    assert (bomb.result, bomb.seen) == (Result.NOT_BLOCKED, (f"{made}: done",))
    assert bomb.because == f"nothing refused it, without the effect: {made}"


def test_an_image_of_which_nothing_is_left_out_has_what_the_attack_wants(tmp_path: Path) -> None:
    stripped = converted("nginx", tmp_path / "stripped")
    whole = converted("nginx", tmp_path / "whole", "--strip", "none")
    for name in ("shell", "password_file"):
        results = (stripped[name]["result"], whole[name]["result"])
        assert results == ("blocked by absence", "not blocked"), name
    assert "did not return; then it ended with status 0" in whole["shell"]["because"]


def test_a_shell_that_is_there_and_cannot_be_executed_is_the_kernel_s_to_refuse(
    tmp_path: Path,
) -> None:
    shell = file("/bin/sh", b"#!/bin/sh\n", 0o755)
    entrypoint = values.entrypoint()
    rootfs, artifact = linked(entrypoint, (*NODES, directory("/bin"), shell), tmp_path)
    attempt = attack(rootfs, entrypoint, without(artifact, "execve"))[0]
    assert (attempt.result, attempt.because) == (
        Result.REFUSED, "execve /bin/sh: not linked (ENOSYS) (and 1 more)",
    )  # fmt: skip


def without(artifact: Artifact, *names: str) -> Artifact:
    calls = tuple(one for one in artifact.match.system_calls if one.name not in names)
    return replace(artifact, match=replace(artifact.match, system_calls=calls))


def test_a_child_that_cannot_be_killed_does_not_hold_up_the_guest(tmp_path: Path) -> None:
    rootfs, artifact = linked(values.entrypoint(), NODES, tmp_path)
    few = without(artifact, "kill", "nanosleep", "clock_nanosleep")
    attempts = attack(rootfs, values.entrypoint(), few)
    assert Result.NOT_RUN not in {one.result for one in attempts}


def test_they_are_left_out_on_request(tmp_path: Path) -> None:
    rows = converted("static-c", tmp_path / "uk", "--no-scenarios")
    assert {(row["result"], row["because"]) for row in rows.values()} == {
        ("not run", "it was not asked for")
    }


def segments(image: Path) -> dict[int, tuple[int, bytes]]:
    """Flags -> address and content; the root archive and constants are both only read."""
    with image.open("rb") as elf:
        found = [(one.header, one.data()) for one in ELFFile(elf).iter_segments("PT_LOAD")]
    return {header.p_flags: (header.p_vaddr, data) for header, data in reversed(found)}


def test_the_kernel_that_is_attacked_is_the_bundle_s_but_for_addresses(tmp_path: Path) -> None:
    entrypoint = values.entrypoint(uid=33)
    rootfs, shipped = linked(entrypoint, NODES, tmp_path)
    attacked = link_attacks(rootfs, entrypoint, shipped, tmp_path / "attacks.elf")
    ours, theirs = segments(shipped.path), segments(attacked.path)
    code, data = P_FLAGS.PF_R | P_FLAGS.PF_X, P_FLAGS.PF_R | P_FLAGS.PF_W
    assert ours[data][1] == theirs[data][1]
    table_bytes = 8 * len(shipped.match.system_calls)
    assert ours[P_FLAGS.PF_R][1][:table_bytes] == theirs[P_FLAGS.PF_R][1][:table_bytes]
    differing = list(distances(ours[code][1], theirs[code][1]))
    counted = Counter(distance for found in differing for distance in found)
    common = [distance for distance, _ in counted.most_common(MOVED)]
    # What follows what is larger is moved by as much, but for what alignment takes up of it.
    moved = {one + less for one in common for less in range(1 - ALIGNMENT, ALIGNMENT)}
    assert [found for found in differing if not found & moved] == []


def distances(ours: bytes, theirs: bytes) -> Iterator[set[int]]:
    """For each place where two codes differ, by how much the 32 bits that may begin there or up to
    three bytes before are larger; what is moved is moved upwards, by little."""
    assert len(ours) == len(theirs)
    skipped_to = 0
    for position in (at for at, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b):
        if position >= skipped_to:
            fields = [slice(at, at + 4) for at in range(position - 3, position + 1)]
            larger = {number(theirs[field]) - number(ours[field]) for field in fields}
            yield {distance for distance in larger if 0 < distance < FAR}
            skipped_to = position + 4


def number(field: bytes) -> int:
    return int.from_bytes(field, "little", signed=True)
