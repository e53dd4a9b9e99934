"""Which rung of the ladder answers: the config, the script as read, or the recorded run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tiny_elf import tiny_elf
from trees import Entry, image, program

from dock2uk.contents import Held
from dock2uk.entrypoint import Options, Resolve, recorded, resolve
from dock2uk.entrypoint.record.recording import Ending, Exec, Final, Process, Recording
from dock2uk.errors import (
    Dock2ukError,
    SandboxUnavailableError,
    StartupError,
    UndecidedError,
    UnsupportedError,
)
from dock2uk.model import (
    Change,
    Confidence,
    DifferenceKind,
    Entrypoint,
    Image,
    ImageConfig,
    Node,
    NodeType,
)

MADE = Node("/etc/made", NodeType.FILE, 0o600, 5, 6, 77, content=Held(b"made"))
PLAIN = '#!/bin/sh\nexec "$@"\n'
WORKS = '#!/bin/sh\nprepare > /etc/made\nexec "$@"\n'
OPEN = "#!/bin/sh\nif prepare; then exec server; fi\nexec other\n"


def the_image(script: str, env: tuple[str, ...] = ()) -> Image:
    entries: dict[str, Entry] = {
        "/bin/sh": program("", tiny_elf()),
        "/bin/other": program("", tiny_elf()),
        "/usr/bin/prepare": program("", tiny_elf()),
        "/usr/bin/server": program("", tiny_elf()),
        "/start": program("", script.encode()),
    }
    config = ImageConfig(
        entrypoint=("/start",), cmd=("server", "-x"), env=("PATH=/bin:/usr/bin", *env)
    )
    return image(entries, config)


def recording(env: tuple[str, ...] = ("PATH=/bin:/usr/bin",), **more: Any) -> Recording:
    fields: dict[str, Any] = {
        "exe": "/usr/bin/server", "argv": ("server", "-x"), "env": env, "cwd": "/", "uid": 0,
        "gid": 0, "groups": (), "umask": 0o022, "capabilities": ("CAP_CHOWN",),
        "has_no_new_privileges": False, "limits": (),
    } | more  # fmt: skip
    final = Final(**fields)
    execs = (Exec(1, 0, "/bin/sh", ("sh", "/start")), Exec(1, 0, final.exe, final.argv))
    process = Process(1, 0, final.exe, final.argv, ("tcp 0.0.0.0:80", "tcp 127.0.0.1:81"))
    changes = (Change("/etc/made", MADE),)
    return Recording(final, 1, Ending.LISTENS, None, execs, (process,), changes, "")


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[Recording] | Exception], None]:
    """Let the sandbox answer with these recordings, or fail."""

    def answer(outcome: Sequence[Recording] | Exception) -> None:
        def recorded_run(*_: Any) -> Sequence[Recording]:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr(recorded, "record", recorded_run)

    answer(AssertionError("nothing should be run"))
    return answer


Record = Callable[[Sequence[Recording] | Exception], None]


def found(script: str, how: Resolve = Resolve.AUTO, *, is_baked: bool = False) -> Entrypoint:
    return resolve(the_image(script), (), Options(resolve=how, is_baked=is_baked))


def test_reading_is_enough_where_it_leaves_nothing_out(record: Record) -> None:
    assert found(PLAIN).confidence is Confidence.READ
    assert found(PLAIN).argv == ("server", "-x")


def test_start_up_work_is_run_and_its_files_are_taken_over(record: Record) -> None:
    record([recording(), recording()])
    seen = found(WORKS)
    assert seen.confidence is Confidence.RECORDED
    assert [(c.path, c.node and (c.node.mode, c.node.uid)) for c in seen.changes] == [
        ("/etc/made", (0o600, 5))
    ]
    assert seen.capabilities == ("CAP_CHOWN",)
    assert seen.listening == ("tcp 0.0.0.0:80", "tcp 127.0.0.1:81")
    assert seen.ports == ("80/tcp",)
    assert any("reading and running say the same" in line for line in seen.evidence)


def test_when_it_was_recorded_is_not_baked(record: Record) -> None:
    record([recording(), recording()])
    (change,) = found(WORKS).changes
    assert change.node is not None
    assert change.node.mtime == 0  # of the image's newest file


def test_static_never_runs_anything(record: Record) -> None:
    read = found(WORKS, Resolve.STATIC)
    assert read.confidence is Confidence.READ
    assert any("not done" in line and "prepare" in line for line in read.evidence)
    with pytest.raises(UndecidedError):
        found(OPEN, Resolve.STATIC)


def test_record_runs_even_what_reading_decides(record: Record) -> None:
    record([recording(), recording()])
    assert found(PLAIN, Resolve.RECORD).confidence is Confidence.RECORDED


def test_what_reading_leaves_open_the_run_decides(record: Record) -> None:
    record([recording(), recording()])
    seen = found(OPEN)
    assert seen.exe == "/usr/bin/server"
    assert any(line.startswith("reading leaves it open") for line in seen.evidence)


def test_the_run_is_believed_where_the_two_disagree(record: Record) -> None:
    record([recording(uid=9), recording(uid=9)])
    seen = found(WORKS)
    assert seen.uid == 9
    assert any("the run is believed" in line for line in seen.evidence)


def test_without_a_sandbox_what_reading_gave_is_taken_and_said(record: Record) -> None:
    record(SandboxUnavailableError("no user namespaces", hint="allow them"))
    read = found(WORKS)
    assert read.confidence is Confidence.READ
    assert any("no user namespaces" in line for line in read.evidence)
    with pytest.raises(UnsupportedError, match="no user namespaces") as caught:
        found(OPEN)
    assert caught.value.hint == "allow them"


@pytest.mark.parametrize("problem", [SandboxUnavailableError("x"), StartupError("x")])
def test_record_alone_does_not_fall_back(record: Record, problem: Dock2ukError) -> None:
    record(problem)
    with pytest.raises(type(problem)):
        found(WORKS, Resolve.RECORD)


def test_a_start_up_that_fails_leaves_what_was_read(record: Record) -> None:
    record(StartupError("it ended with status 1"))
    assert any("it ended with status 1" in line for line in found(WORKS).evidence)
    with pytest.raises(StartupError):
        found(OPEN)


def test_secrets_of_the_environment_are_left_out_unless_baked(record: Record) -> None:
    source = the_image(PLAIN, env=("DB_PASSWORD=hunter2", "MODE=a"))
    kept = resolve(source, (), Options())
    assert {entry.partition("=")[0] for entry in kept.env} == {
        "PATH",
        "HOSTNAME",
        "MODE",
        "HOME",
        "PWD",
    }
    assert [(d.subject, d.kind, d.is_baked) for d in kept.differences] == [
        ("variable DB_PASSWORD", DifferenceKind.SECRET, False)
    ]
    baked = resolve(source, (), Options(is_baked=True))
    assert "DB_PASSWORD=hunter2" in baked.env
    assert [d.is_baked for d in baked.differences] == [True]


def test_a_secret_is_named_once(record: Record) -> None:
    env = ("DB_PASSWORD=hunter2", "PATH=/bin")
    other = ("DB_PASSWORD=hunter3", "PATH=/bin")
    record([recording(env), recording(other)])
    seen = found(WORKS)
    assert [d.subject for d in seen.differences] == ["variable DB_PASSWORD"]
    assert seen.env == ("HOSTNAME=test", "PATH=/bin")


def test_a_secret_in_the_arguments_is_refused_unless_baked(record: Record) -> None:
    script = '#!/bin/sh\nexec "$@" --pass "$DB_PASSWORD"\n'
    source = the_image(script, env=("DB_PASSWORD=hunter2",))
    with pytest.raises(UnsupportedError, match="arguments hold the value of DB_PASSWORD") as caught:
        resolve(source, (), Options())
    assert "hunter2" not in caught.value.message
    baked = resolve(source, (), Options(is_baked=True))
    assert baked.argv[-1] == "hunter2"
    assert not any("hunter2" in line for line in baked.evidence)


def test_the_program_s_own_name_is_no_secret(record: Record) -> None:
    source = the_image(PLAIN, env=("DB_PASSWORD=server",))
    assert resolve(source, (), Options()).argv == ("server", "-x")


def test_a_secret_that_start_up_unset_is_told_by_no_file(record: Record) -> None:
    holds = replace(MADE, content=Held(b"password hunter2"))
    made = replace(recording(), changes=(Change("/etc/made", holds),))
    record([made, made])
    seen = resolve(the_image(WORKS, env=("DB_PASSWORD=hunter2",)), (), Options())
    assert seen.changes == ()
    assert [d.kind for d in seen.differences] == [DifferenceKind.SECRET]
