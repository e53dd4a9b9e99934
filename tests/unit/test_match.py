"""Which runtime carries a workload, and how runtimes are read."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dock2uk.errors import Dock2ukError, UnsupportedError
from dock2uk.match import load_runtime, load_runtimes, match, parse_runtime
from dock2uk.model import Analysis, CallSite, ElfFile, ReachableCalls, Sockets
from dock2uk.runtime import Driver, KernelWishes, Library, Match, Part, Runtime, SystemCall

HUSK = Path(__file__).resolve().parents[2] / "runtimes" / "husk"

DYNAMIC = ElfFile(
    path="/usr/bin/app",
    type="ET_DYN",
    machine="x86_64",
    interpreter="/lib64/ld-linux-x86-64.so.2",
    needed=("libc.so.6",),
    runpath=(),
    rpath=(),
    soname=None,
    is_executable_stack=False,
)
RUNTIME = Runtime(
    name="one",
    version="1",
    directory=Path("/nowhere"),
    library=Path("/nowhere/lib.a"),
    linker_script=Path("/nowhere/one.ld"),
    elf_types=("ET_DYN",),
    system_calls=(SystemCall(0, "read", "full", ""), SystemCall(1, "write", "none", "")),
    drivers=(Driver("virtio-net"),),
    machines=("microvm",),
    minimum_memory_bytes=1 << 24,
)


def analysis_of(*elves: ElfFile, needed: tuple[str, ...] = ()) -> Analysis:
    reasons = dict.fromkeys(needed, "a test")
    return Analysis({elf.path: elf for elf in elves}, reasons, packages=(), findings=())


LOADER = "/usr/lib64/ld-linux-x86-64.so.2"  # where the symlink /lib64 leads


def test_a_workload_gets_all_the_runtime_has() -> None:
    found = match(analysis_of(DYNAMIC, needed=(LOADER,)), [RUNTIME])
    assert found.runtime is RUNTIME
    assert [call.name for call in found.system_calls] == ["read"]
    assert found.drivers == ("virtio-net",)


SPEAKING = Part("speech", frozenset({"say"}), ("voice",), frozenset({"speak"}))
SPEAKER = replace(
    RUNTIME,
    system_calls=(*RUNTIME.system_calls, SystemCall(7, "say", "full", "")),
    parts=(SPEAKING,),
)


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"imports": frozenset({"speak"})}, "/usr/bin/app imports speak"),
        ({"is_self_contained": True}, "what /usr/bin/app calls is not known"),
    ],
)
def test_a_part_is_linked_for_who_has_a_use_for_it(change: dict[str, Any], because: str) -> None:
    found = match(analysis_of(replace(DYNAMIC, **change), needed=(LOADER,)), [SPEAKER])
    assert [call.name for call in found.system_calls] == ["read", "say"]
    assert found.objects == ("voice",)
    assert f"speech linked: {because}" in found.notes


@pytest.mark.parametrize(
    ("soname", "unbounded", "note"),
    [
        ("libapp.so.1", (), "speech linked: /usr/bin/app may call say by number"),
        ("libc.so.6", (), "speech left out: no kept file imports a function for it"),
        (
            "libc.so.6",
            ("/usr/bin/app: the number at 0x10 is not known",),
            "speech linked: what /usr/bin/app calls is not known",
        ),
    ],
)
def test_a_part_is_linked_for_who_makes_its_calls_without_a_function(
    soname: str, unbounded: tuple[str, ...], note: str
) -> None:
    calls = ReachableCalls(
        {7: CallSite(DYNAMIC.path, 16, ())}, {DYNAMIC.path: frozenset({7})}, unbounded
    )
    analysis = analysis_of(replace(DYNAMIC, soname=soname), needed=(LOADER,))
    assert note in match(replace(analysis, calls=calls), [SPEAKER]).notes


def test_a_part_nobody_has_a_use_for_is_left_out() -> None:
    found = match(analysis_of(DYNAMIC, needed=(LOADER,)), [SPEAKER])
    assert [call.name for call in found.system_calls] == ["read"]
    assert found.objects == ()
    assert found.notes == ("speech left out: no kept file imports a function for it",)


def test_a_recipe_can_say_that_a_part_is_not_used() -> None:
    user = replace(DYNAMIC, imports=frozenset({"speak"}))
    analysis = replace(analysis_of(user, needed=(LOADER,)), unneeded={"speech": "it is mute"})
    assert match(analysis, [SPEAKER]).notes == ("speech left out: it is mute",)


def test_the_library_with_least_of_what_has_no_use_is_linked() -> None:
    mute, all_but_voice = Path("/nowhere/mute.a"), frozenset({"speech"})
    smaller = (Library(Path("/nowhere/none.a"), frozenset()), Library(mute, all_but_voice))
    speaker = replace(SPEAKER, smaller_libraries=smaller)
    user = replace(DYNAMIC, imports=frozenset({"speak"}))
    assert match(analysis_of(DYNAMIC, needed=(LOADER,)), [speaker]).library == mute
    assert match(analysis_of(user, needed=(LOADER,)), [speaker]).library == smaller[0].path
    assert match(analysis_of(DYNAMIC, needed=(LOADER,)), [SPEAKER]).library == RUNTIME.library


def test_libraries_lack_parts_that_there_are() -> None:
    (husk,) = load_runtimes()
    lacked = {name for library in husk.smaller_libraries for name in library.lacks}
    assert lacked <= {part.name for part in husk.parts}
    assert lacked


def test_parts_name_calls_and_objects_that_there_are() -> None:
    (husk,) = load_runtimes()
    known = {call.name for call in husk.system_calls if call.level != "none"}
    named = {call for part in husk.parts for call in part.calls}
    assert named <= known


def test_a_serial_port_s_channel_is_no_driver_and_always_there() -> None:
    (husk,) = load_runtimes()
    found = match(analysis_of(DYNAMIC, needed=(LOADER,)), [husk])
    assert found.drivers == ("virtio-net-pci", "virtio-net-mmio")
    assert "host-signals" in found.objects


def test_every_reason_of_every_runtime_is_given() -> None:
    fixed = replace(DYNAMIC, path="/a", type="ET_EXEC", machine="aarch64", interpreter=None)
    other = replace(RUNTIME, name="two", elf_types=("ET_EXEC",))
    with pytest.raises(UnsupportedError) as caught:
        match(analysis_of(fixed, DYNAMIC), [RUNTIME, other])
    assert caught.value.reasons == (
        "one: /a is for aarch64; x86_64 is what runs",
        "one: /a is of type ET_EXEC; ET_DYN are what run",
        "one: /usr/bin/app asks for the interpreter /lib64/ld-linux-x86-64.so.2, "
        "which is not there",
        "two: /a is for aarch64; x86_64 is what runs",
        "two: /usr/bin/app is of type ET_DYN; ET_EXEC are what run",
        "two: /usr/bin/app asks for the interpreter /lib64/ld-linux-x86-64.so.2, "
        "which is not there",
    )


def test_the_first_runtime_without_a_gap_is_taken() -> None:
    narrow = replace(RUNTIME, name="narrow", elf_types=("ET_EXEC",))
    assert match(analysis_of(DYNAMIC, needed=(LOADER,)), [narrow, RUNTIME]).runtime is RUNTIME


def test_an_executable_stack_is_noted() -> None:
    elf = replace(DYNAMIC, is_executable_stack=True)
    notes = match(analysis_of(elf, needed=(LOADER,)), [RUNTIME]).notes
    assert any("/usr/bin/app asks for an executable stack" in note for note in notes)


def test_no_runtime_is_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="no runtime"):
        match(analysis_of(), [])


def test_husk_is_found_and_read() -> None:
    (husk,) = load_runtimes()
    assert husk == load_runtime(HUSK)
    assert husk.linker_script.exists()
    assert {call.level for call in husk.system_calls} <= {"full", "partial", "none"}
    assert husk.machines[0] == "microvm"


@pytest.mark.parametrize(
    ("manifest", "capabilities"),
    [
        ("name = ", '{"version": 1, "system_calls": []}'),
        ("name = 'x'", '{"version": 1, "system_calls": []}'),
        ((HUSK / "runtime.toml").read_text(), "{"),
        ((HUSK / "runtime.toml").read_text(), '{"version": 2, "system_calls": []}'),
        ((HUSK / "runtime.toml").read_text(), '{"version": 1, "system_calls": [{"nr": 1}]}'),
    ],
)
def test_a_runtime_that_is_not_understood_is_an_error(manifest: str, capabilities: str) -> None:
    with pytest.raises(Dock2ukError, match="not understood"):
        parse_runtime(HUSK, manifest, capabilities)


def test_what_is_generated_from_the_system_call_table_is_fresh() -> None:
    command = [sys.executable, HUSK / "tools" / "generate.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ------------------------------------------------------------------ calls that code can reach

_NAMES = ("read", "write", "clone", "fork", "exit_group", "execve", "keyctl", "rt_sigaction",
          "rt_sigreturn")  # fmt: skip
TALKER = replace(
    RUNTIME,
    system_calls=tuple(
        SystemCall(number, name, "none" if name == "keyctl" else "full", "")
        for number, name in enumerate(_NAMES)
    ),
)


def reaching(*numbers: int, unbounded: tuple[str, ...] = ()) -> Analysis:
    sites = {number: CallSite("/usr/bin/app", 16, ("/usr/bin/app main",)) for number in numbers}
    calls = ReachableCalls(sites, unbounded=unbounded)
    return replace(analysis_of(DYNAMIC, needed=(LOADER,)), calls=calls)


def names_of(found: Match) -> set[str]:
    return {call.name for call in found.system_calls}


def test_only_calls_that_code_can_reach_are_linked() -> None:
    found = match(reaching(0), [TALKER])
    assert names_of(found) == {"read", "exit_group"}
    assert "--keep-syscall write" in found.reasons["write"]


def test_where_a_run_decides_what_it_made_is_linked_whatever_code_can_reach() -> None:
    reached = reaching(0, 1, unbounded=("/lib/odd.so: the number at 0x10 is not known",))
    found = match(replace(reached, made_calls=frozenset({1})), [TALKER])
    assert names_of(found) == {"write", "exit_group"}
    assert found.reasons["write"] == "the traced run made it"
    assert found.reasons["read"].startswith("the traced run did not make it; --keep-syscall read")


def test_all_are_linked_where_a_number_is_not_known() -> None:
    found = match(
        reaching(0, unbounded=("/lib/odd.so: the number at 0x10 is not known",)), [TALKER]
    )
    assert names_of(found) == set(_NAMES) - {"keyctl"}
    assert "/lib/odd.so" in found.reasons["write"]


def test_what_makes_processes_is_linked_with_clone() -> None:
    assert "fork" in names_of(match(reaching(2), [TALKER]))
    assert "fork" not in names_of(match(reaching(1), [TALKER]))


def test_who_sets_handlers_can_return_from_them() -> None:
    handling = match(reaching(_NAMES.index("rt_sigaction")), [TALKER])
    assert names_of(handling) == {"rt_sigaction", "rt_sigreturn", "exit_group"}
    assert handling.reasons["rt_sigreturn"] == "handlers that rt_sigaction(2) sets return by it"
    asked = match(reaching(0), [TALKER], KernelWishes(calls=("rt_sigaction",)))
    assert "rt_sigreturn" in names_of(asked)


def test_a_call_is_kept_on_demand_with_its_part() -> None:
    assert "execve" in names_of(match(reaching(0), [TALKER], KernelWishes(calls=("execve",))))
    part = Part("processes", frozenset({"execve"}), ("starter",), frozenset({"execve"}))
    found = match(reaching(0), [replace(TALKER, parts=(part,))], KernelWishes(calls=("execve",)))
    assert "execve" in names_of(found)
    assert found.objects == ("starter",)


def test_a_part_whose_calls_no_code_reaches_is_left_out() -> None:
    part = Part("processes", frozenset({"execve"}), ("starter",), frozenset({"execve"}))
    runtime = replace(TALKER, parts=(part,))
    importing = replace(DYNAMIC, imports=frozenset({"execve"}))
    analysis = replace(reaching(0), elves={importing.path: importing})
    assert match(analysis, [runtime]).objects == ()
    assert match(
        replace(analysis, calls=reaching(_NAMES.index("execve")).calls), [runtime]
    ).objects == ("starter",)


_WITH_SOCKETS = replace(
    TALKER,
    system_calls=(*TALKER.system_calls, SystemCall(41, "socket", "full", "")),
    parts=(Part("TCP", frozenset(), ("tcp",), sockets=((2, 1), (10, 1))),
           Part("netlink", frozenset(), ("netlink",), sockets=((16, None),))),
)  # fmt: skip
_STREAMS = Sockets(frozenset({2}), frozenset({1}))


@pytest.mark.parametrize(
    ("numbers", "sockets", "linked"),
    [
        ((0, 41), _STREAMS, ("tcp",)),
        ((0, 41), replace(_STREAMS, types=frozenset({2})), ()),
        ((0, 41), replace(_STREAMS, families=frozenset({16})), ("netlink",)),
        ((0, 41), replace(_STREAMS, because="/app: the family is not known"), ("tcp", "netlink")),
        ((0,), Sockets(), ()),  # it opens none at all
    ],
)
def test_protocols_are_linked_for_sockets_that_code_opens(
    numbers: tuple[int, ...], sockets: Sockets, linked: tuple[str, ...]
) -> None:
    analysis = reaching(*numbers)
    assert analysis.calls is not None
    analysis = replace(analysis, calls=replace(analysis.calls, sockets=sockets))
    assert match(analysis, [_WITH_SOCKETS]).objects == linked


def test_protocols_are_linked_where_any_call_may_be_made() -> None:
    unbounded = reaching(0, unbounded=("/lib/odd.so: the number at 0x10 is not known",))
    assert match(unbounded, [_WITH_SOCKETS]).objects == ("tcp", "netlink")


@pytest.mark.parametrize(
    ("mentions", "linked"),
    [(frozenset({"/proc"}), ("proc",)), (frozenset({"/sys"}), ()), (None, ("proc",))],
)
def test_a_file_system_is_linked_where_something_names_it(
    mentions: frozenset[str] | None, linked: tuple[str, ...]
) -> None:
    runtime = replace(
        TALKER, parts=(Part("/proc", frozenset(), ("proc",), files=frozenset({"/proc"})),)
    )
    assert match(replace(reaching(0), mentions=mentions), [runtime]).objects == linked


def test_a_part_is_kept_on_demand() -> None:
    found = match(reaching(0), [_WITH_SOCKETS], KernelWishes(parts=("TCP",)))
    assert found.objects == ("tcp",)
    with pytest.raises(Dock2ukError) as raised:
        match(reaching(0), [_WITH_SOCKETS], KernelWishes(parts=("TPC",)))
    assert "TCP" in str(raised.value.hint)


def test_drivers_are_linked_for_the_machine() -> None:
    drivers = (
        Driver("card-pci", ("q35", "pc")),
        Driver("card-mmio", ("microvm",)),
        Driver("power"),
    )
    runtime = replace(RUNTIME, drivers=drivers, machines=("microvm", "q35", "pc"))
    found = match(analysis_of(DYNAMIC, needed=(LOADER,)), [runtime], KernelWishes(machine="q35"))
    assert (found.drivers, found.machines) == (("card-pci", "power"), ("q35",))
    every = match(analysis_of(DYNAMIC, needed=(LOADER,)), [runtime])
    assert (len(every.drivers), every.machines) == (3, runtime.machines)
    with pytest.raises(Dock2ukError, match="vax"):
        match(analysis_of(DYNAMIC, needed=(LOADER,)), [runtime], KernelWishes(machine="vax"))


@pytest.mark.parametrize(("name", "said"), [("wirte", "write"), ("keyctl", "has no keyctl")])
def test_a_call_that_cannot_be_kept_is_an_error(name: str, said: str) -> None:
    with pytest.raises(Dock2ukError) as raised:
        match(reaching(0), [TALKER], KernelWishes(calls=(name,)))
    assert said in f"{raised.value.message} {raised.value.hint}"


def test_the_runtime_names_every_crate_that_is_compiled_in() -> None:
    cargo = HUSK.parents[1] / "scripts/cargo"
    command = [cargo, "tree", "-p", "husk", "-e", "normal", "--prefix", "none"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    built = {tuple(line.split()[:2]) for line in done.stdout.splitlines()}
    (husk,) = load_runtimes()
    named = {(name, f"v{version}") for name, version in husk.components}
    assert named == {one for one in built if one[0] != "husk"}
