"""The verdicts of an audit: what convert would need, and what is not known of an image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dock2uk import audit
from dock2uk.audit import assessment
from dock2uk.audit.changes import findings
from dock2uk.entrypoint import Bounds, Options, Resolve
from dock2uk.errors import (
    SandboxUnavailableError,
    UnsupportedError,
)
from dock2uk.model import Confidence, Difference, DifferenceKind
from dock2uk.pipeline import Foresight, Request, foresee
from dock2uk.progress import Silent
from tests import images
from tests.audits import archive, compiled
from tests.images import config_of, docker_archive, file, layer


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def program() -> bytes:
    return compiled()


def running(path: Path, *command: str, program: bytes, **config: Any) -> Request:
    """An image that can run scripts and date(1), as the sandbox needs for its start-up."""
    libraries = ("lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6")
    programs = {"bin/sh": "/bin/dash", "bin/date": "/bin/date", "bin/sleep": "/bin/sleep"}
    files = {**{name: f"/{name}" for name in libraries}, **programs}
    made = layer(
        file("app", program, 0o755),
        *(file(name, Path(source).read_bytes(), 0o755) for name, source in files.items()),
    )
    image = docker_archive(path, [made], Cmd=list(command), **config)
    return Request(f"docker-archive:{image}")


def test_another_program_that_is_given_as_an_argument_has_to_be_kept(
    tmp_path: Path, program: bytes
) -> None:
    row = audit.assess(running(tmp_path / "a.tar", "/app", "--with", "/bin/date", program=program))
    assert row["verdict"] == "convertible with a change"
    [change] = row["because"]
    assert change.startswith("--keep /bin/date: another program, which is left out")
    assert not any("/bin/date" in risk for risk in row["risks"])


def test_a_secret_of_the_environment_has_to_be_given_at_boot(
    tmp_path: Path, program: bytes
) -> None:
    request = running(tmp_path / "a.tar", "/app", program=program, Env=["DB_PASSWORD=hunter2345x"])
    row = audit.assess(request)
    assert row["verdict"] == "convertible with a change"
    assert row["because"] == ["run it with -e DB_PASSWORD: secret left out: its name says so"]


def test_a_program_that_may_be_started_is_to_be_tested(tmp_path: Path) -> None:
    program = compiled('const char *date = "/usr/bin/dated"; int main(void) { return !date; }')
    made = layer(file("app", program, 0o755), file("usr/bin/dated", program, 0o755))
    image = docker_archive(tmp_path / "a.tar", [made], Cmd=["/app"])
    row = audit.assess(Request(f"docker-archive:{image}"))
    assert row["verdict"] == "convertible, to be tested"
    [doubt] = row["because"]
    assert doubt.startswith("may start /usr/bin/dated: another program, which is left out")


def found_with(tmp_path: Path, program: bytes, **changed: Any) -> Foresight:
    found = foresee(running(tmp_path / "a.tar", "/app", program=program), Silent())
    return replace(found, entrypoint=replace(found.entrypoint, **changed))


@pytest.mark.parametrize(
    ("subject", "change", "doubt"),
    [
        ("/srv/data/", "--bake: secret left out: /srv/data/: random", ""),
        ("/srv/made", "--bake: secret left out: /srv/made: random", ""),
        ("/bin/date", "", "/bin/date is the image's own, not as start-up leaves it"),
    ],
)
def test_what_start_up_made_and_is_left_out_is_a_change(
    tmp_path: Path, program: bytes, subject: str, change: str, doubt: str
) -> None:
    """What the image has in its own form may do."""
    left_out = Difference(subject, DifferenceKind.SECRET, "random", is_baked=False)
    baked = replace(left_out, is_baked=True)
    told = findings(found_with(tmp_path, program, differences=(left_out,)))
    assert "".join(told.changes).startswith(change)
    assert "".join(told.doubts).startswith(doubt)
    assert (bool(told.changes), bool(told.doubts)) == (bool(change), bool(doubt))
    told = findings(found_with(tmp_path, program, differences=(baked,)))
    assert (told.changes, told.doubts) == ((), ())


@pytest.mark.parametrize(
    ("evidence", "remedy"),
    [
        (("not done: mkdir /srv", "not done: b"), "mkdir /srv and 1 more; --resolve auto runs it"),
        (("not done: a", "it was not run: no"), "a; it was not run: no"),
    ],
)
def test_work_of_a_start_up_that_was_only_read_is_to_be_tested(
    tmp_path: Path, program: bytes, evidence: tuple[str, ...], remedy: str
) -> None:
    found = found_with(tmp_path, program, confidence=Confidence.READ, evidence=evidence)
    assert findings(found).doubts == (f"its start-up was read, not run: {remedy}",)


def test_what_an_undecided_image_needs_is_said_with_what_an_audit_has(
    tmp_path: Path, program: bytes
) -> None:
    static = Options(resolve=Resolve.STATIC)
    needed = running(
        tmp_path / "a.tar", "/bin/sh", "-c", 'exec /app "${PORT:?give it}"', program=program
    )
    for options in (static, Options()):
        row = audit.assess(replace(needed, entrypoint=options))
        assert (row["verdict"], row["hint"]) == ("undecided", "convert it with -e PORT=VALUE")
    open_ = running(tmp_path / "b.tar", "/bin/sh", "-c", ". /none; exec $X", program=program)
    row = audit.assess(replace(open_, entrypoint=static))
    assert row["hint"].startswith("--resolve auto runs its start-up in a sandbox; or convert it")


def test_a_start_up_that_fails_or_never_ends_is_undecided(tmp_path: Path, program: bytes) -> None:
    endless = "while true; do date; sleep 1; done"
    request = running(tmp_path / "a.tar", "/bin/sh", "-c", endless, program=program)
    bounded = Options(bounds=Bounds(time_s=2))
    row = audit.assess(replace(request, entrypoint=bounded))
    assert (row["verdict"], row["digest"]) == ("undecided", None)
    assert row["hint"].startswith("--start-up-timeout SECONDS gives it longer; or convert it with")
    failing = running(tmp_path / "b.tar", "/bin/sh", "-c", ". /none; exec $X", program=program)
    row = audit.assess(failing)
    assert row["verdict"] == "undecided"
    assert row["hint"] == "convert it with --entrypoint PROGRAM --cmd ARGUMENTS"


@pytest.mark.parametrize(
    ("cause", "verdict", "hint"),
    [
        (SandboxUnavailableError("no namespaces"), "undecided", "usermod --add-subuids 1-2 me"),
        (None, "not convertible", "with convert: usermod --add-subuids 1-2 me"),
    ],
)
def test_a_machine_without_a_sandbox_says_nothing_of_the_image(
    monkeypatch: pytest.MonkeyPatch, cause: Exception | None, verdict: str, hint: str
) -> None:
    def fails(*_: object) -> None:
        raise UnsupportedError(("it is open",), hint="usermod --add-subuids 1-2 me") from cause

    monkeypatch.setattr(assessment, "foresee", fails)
    row = audit.assess(Request("x"))
    assert (row["verdict"], row["hint"]) == (verdict, hint)


def test_what_is_for_another_system_is_not_convertible(
    tmp_path: Path, program: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_windows(*given: Any, **config: Any) -> bytes:
        return config_of(*given, **config).replace(b'"linux"', b'"windows"')

    monkeypatch.setattr(images, "config_of", of_windows)
    row = audit.assess(Request(archive(tmp_path / "a.tar", "/app", program=program)))
    assert (row["verdict"], "Windows" in row["because"][0]) == ("not convertible", True)
