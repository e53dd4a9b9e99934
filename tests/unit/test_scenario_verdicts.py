"""What is read out of what an attack program says, and where it is told to try."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dock2uk import attack_run
from dock2uk.attack_run import PROGRAM, attack_programs, none_run
from dock2uk.model import Rootfs
from dock2uk.scenarios import SCENARIOS, Record, Result, Step, judge
from dock2uk.verify.attack import fault, taken_down
from dock2uk.verify.session import Event
from tests import values
from tests.nodes import directory, file, symlink

ATTACKER = Path(__file__).resolve().parents[2] / "runtimes" / "husk" / "attacker" / "src"
ENOENT, ESRCH, EACCES, ENOSYS = -2, -3, -13, -38
OPENED = Step("openat /bin/sh", 3)


@pytest.mark.parametrize(
    ("record", "result", "because"),
    [
        (Record((OPENED, Step("execve /bin/sh")), status=0), Result.NOT_BLOCKED,
         "execve /bin/sh did not return; then it ended with status 0"),
        (Record((Step("a", ENOENT), Step("b", ENOENT)), status=0), Result.ABSENT,
         "b: ENOENT (and 1 more)"),
        (Record((Step("kill every other process", ESRCH),), status=0), Result.ABSENT,
         "kill every other process: ESRCH"),
        (Record((OPENED, Step("execve /bin/sh", EACCES)), status=0), Result.REFUSED,
         "execve /bin/sh: EACCES"),
        (Record((Step("execveat", EACCES), Step("openat /proc", ENOENT)), status=0), Result.REFUSED,
         "execveat: EACCES"),
        (Record((Step("ptrace", ENOSYS),), status=0), Result.REFUSED,
         "ptrace: not linked (ENOSYS)"),
        (Record((Step("a", EACCES), Step("b", 3)), is_achieved=True, status=0), Result.NOT_BLOCKED,
         "b"),
        (Record((Step("read", 0),), status=0), Result.NOT_BLOCKED,
         "nothing refused it, without the effect: read"),
        (Record((Step("write"),), status=139, fault="SIGSEGV (x)"), Result.REFUSED,
         "write: killed by SIGSEGV (x)"),
        (Record((Step("write"),), status=139), Result.NOT_RUN,
         "write: it ended with status 139"),
        (Record((Step("write"),), panic="page fault in the kernel"), Result.REFUSED,
         "the machine stopped: page fault in the kernel"),
        (Record((Step("connect"),)), Result.NOT_RUN, "connect: it did not end"),
        (Record(status=126), Result.NOT_RUN, "it ended with status 126"),
    ],
)  # fmt: skip
def test_a_result_is_what_was_seen(record: Record, result: Result, because: str) -> None:
    attempt = judge(SCENARIOS[0], record)
    assert (attempt.result, attempt.because) == (result, because)


def test_what_is_seen_has_no_address() -> None:
    record = Record((Step("mmap", 0x7F0000000000), Step("run it")), status=139, fault="SIGSEGV")
    assert judge(SCENARIOS[0], record).seen == (
        "mmap: done", "run it: no return", "killed by SIGSEGV",
    )  # fmt: skip


def events(*lines: str) -> list[Event]:
    return [Event(*line.split(" ", 1)) for line in lines]


def test_each_program_has_its_own_record() -> None:
    said = events(
        "attack try socket", "attack got 3", "ready 31337/tcp", "attack achieved", "counts fds=0",
        "program 1 exit 0", "program 2 exit 127", "attack try write", "panic double fault",
    )  # fmt: skip
    assert taken_down(said) == (
        Record((Step("socket", 3),), is_achieved=True, status=0),
        Record(status=127),
        Record((Step("write"),), panic="double fault"),
    )


@pytest.mark.parametrize(
    "line", ["attack got 1", "attack got x", "attack", "attack got", "program"]
)
def test_a_line_that_makes_no_sense_changes_nothing(line: str) -> None:
    said = events("attack try a", f"{line} ", "program 1 exit 0")
    assert taken_down(said)[0].status == 0
    assert not taken_down(said)[0].is_achieved


def test_a_fault_is_told_without_addresses() -> None:
    console = (
        "husk: killed by SIGSEGV (nothing is mapped there, address 0xffffffff80100000, at 0x1)\n"
        "husk:   hit    0xffffffff80100000 is not the program's (the kernel's code)\n"
    )
    assert fault(console) == "SIGSEGV (it hit the kernel's code)"
    assert fault(console.splitlines()[0]) == "SIGSEGV (nothing is mapped there)"
    assert fault("husk: killed by SIGKILL\n") == "SIGKILL"
    assert fault("killed by SIGSEGV (x)\n") == ""


def test_every_scenario_is_one_of_the_attack_program() -> None:
    known = re.findall(r'\(b"([a-z_]+)", \w+::\w+\)', (ATTACKER / "main.rs").read_text())
    assert sorted(known) == sorted(one.id for one in SCENARIOS)


def test_what_may_end_the_guest_comes_last() -> None:
    assert [one.id for one in SCENARIOS[-2:]] == ["kernel_code", "kernel_privilege"]


def test_every_scenario_is_in_the_report_when_none_was_run() -> None:
    attempts = none_run("it was not booted")
    assert [one.scenario for one in attempts] == list(SCENARIOS)
    assert {(one.result, one.because) for one in attempts} == {
        (Result.NOT_RUN, "it was not booted")
    }


def test_what_the_guest_did_not_come_to_was_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attack_run, "link_attacks", lambda *_: values.artifact())
    seen = (Record((Step("write"),), panic="double fault in the kernel"),)
    monkeypatch.setattr(attack_run.verify, "attack", lambda _: seen)
    first, *rest = attack_run.attack(
        Rootfs((), (), ()), values.entrypoint(), values.artifact(attacker=ATTACKER)
    )
    assert first.result is Result.REFUSED
    assert {one.result for one in rest} == {Result.NOT_RUN}


@pytest.mark.parametrize("attacker", [None, ATTACKER / "missing"])
def test_without_an_attack_program_none_is_run(attacker: Path | None) -> None:
    attempts = attack_run.attack(
        Rootfs((), (), ()), values.entrypoint(), values.artifact(attacker=attacker)
    )
    assert {one.result for one in attempts} == {Result.NOT_RUN}


def test_the_attacker_is_the_program_in_everything_but_its_code() -> None:
    entrypoint = values.entrypoint(uid=33, gid=34, groups=(35,), env=("A=b",), cwd="/srv")
    rootfs = Rootfs((directory("/"),), (), ())
    for program in attack_programs(rootfs, entrypoint):
        assert (program.exe, program.argv[0]) == (PROGRAM, "attacker")
        assert (program.uid, program.gid, program.groups) == (33, 34, (35,))
        assert (program.env, program.cwd, program.capabilities) == (("A=b",), "/srv", ())


def test_it_tries_where_the_program_s_user_may_write_and_kept_shells_last() -> None:
    nodes = (
        directory("/"),
        directory("/others"),
        directory("/theirs", uid=33),
        directory("/of-the-group", 0o775, gid=34),
        directory("/open", 0o777),
        directory("/read-only", 0o555, uid=33),
        file("/bin/dash", b"", 0o755),
        symlink("/bin/sh", "dash"),
    )
    programs = attack_programs(
        Rootfs(nodes, (), ()), values.entrypoint(uid=33, gid=34, cwd="/theirs")
    )
    places = {one.argv[1]: one.argv[2:] for one in programs}
    assert places["dropped_program"][:3] == ("/theirs", "/of-the-group", "/open")
    assert places["dropped_program"][-1] == ""
    assert places["shell"][-2:] == ("/bin/dash", "/bin/sh")
    assert places["listen"] == ()
