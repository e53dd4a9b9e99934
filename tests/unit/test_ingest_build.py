"""Which sources are built, and what is asked of a builder; a script stands for it."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dock2uk import cli, engines, tools
from dock2uk.errors import ImageNotFoundError, SourceError, ToolError, UnsupportedError
from dock2uk.ingest import SourceOptions, read_image
from dock2uk.ingest.dockerfile import wanted as wanting
from dock2uk.ingest.dockerfile.wanted import Wanted
from dock2uk.ingest.options import BuildOptions
from dock2uk.progress import Silent
from tests.images import digest, docker_archive, file, layer


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with Dockerfiles in it."""
    directory = tmp_path / "here"
    for name in (
        "Dockerfile",
        "app/Containerfile",
        "app/web.Dockerfile",
        "nginx/x",
        "oci/index.json",
    ):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("FROM scratch\nCOPY x /\n")
    monkeypatch.chdir(directory)
    return directory


def wanted(reference: str, **options: object) -> Wanted | None:
    return wanting.wanted(reference, SourceOptions(build=BuildOptions(**options)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reference", "file", "context"),
    [
        (".", "Dockerfile", "."),
        ("./", "Dockerfile", "."),
        ("Dockerfile", "Dockerfile", "."),
        ("./app", "app/Containerfile", "app"),
        ("app/", "app/Containerfile", "app"),
        ("app/web.Dockerfile", "app/web.Dockerfile", "app"),
    ],
)
def test_paths_are_built(here: Path, reference: str, file: str, context: str) -> None:
    recipe = wanted(reference)
    assert recipe is not None
    assert (recipe.file.resolve(), recipe.context.resolve()) == (here / file, here / context)


@pytest.mark.parametrize("reference", ["nginx", "app", "ghcr.io/a/b:1", "oci:oci/", "dir:./x/"])
def test_names_and_kinds_are_not_built(here: Path, reference: str) -> None:
    assert wanted(reference) is None


def test_a_file_that_is_named_makes_any_directory_a_context(here: Path) -> None:
    recipe = wanted("nginx", file=Path("app/web.Dockerfile"))
    assert recipe is not None
    assert (recipe.file, recipe.context) == (Path("app/web.Dockerfile"), Path("nginx"))


@pytest.mark.parametrize(
    ("reference", "options", "problem"),
    [
        ("./missing", {}, "is not there"),
        ("./nginx", {}, "has no Dockerfile"),
        ("./nginx/x", {}, "neither a directory nor named like"),
        ("nginx", {"target": "a"}, "--target say nothing"),
        (".", {"arguments": ("=x",)}, "has no name"),
    ],
)
def test_what_cannot_be_built_is_said(
    here: Path, reference: str, options: dict[str, object], problem: str
) -> None:
    with pytest.raises(SourceError, match=problem):
        wanted(reference, **options)


def test_an_argument_without_value_takes_the_one_it_has_here(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE", "value")
    recipe = wanted(".", arguments=("HERE", "NOWHERE_AT_ALL", "A=b=c", "EMPTY="))
    assert recipe is not None
    assert recipe.arguments == {"HERE": "value", "A": "b=c", "EMPTY": ""}


class Heard(Silent):
    """Progress that remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


BUILDAH = """#!/bin/sh
case $1 in
    build)
        echo "$*" > {log}
        echo line one; echo line two >&2
        while [ $# -gt 1 ]; do [ "$1" = --iidfile ] && printf %s {id} > "$2"; shift; done
        exit {status} ;;
    push) cp {archive} "${{4#docker-archive:}}" ;;
esac
"""


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """buildah's words, without docker; what it was asked ends up in `log`."""
    archive = docker_archive(tmp_path / "i.tar", [layer(file("built"))])
    image_id = read_image(f"docker-archive:{archive}", Silent()).digest
    said = {"log": tmp_path / "log", "id": image_id, "archive": archive, "status": 0}

    def silent(engine: object) -> object:
        raise ImageNotFoundError("docker does not answer")

    monkeypatch.setattr(engines, "connected", silent)
    programs = tmp_path / "bin"
    programs.mkdir()
    script = programs / "buildah"
    script.write_text(BUILDAH.format(**said))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return {**said, "script": script}


def test_a_build_is_shown_and_read(here: Path, builder: dict[str, object]) -> None:
    heard = Heard()
    options = SourceOptions(build=BuildOptions(None, ("A=b c",), None))
    image = read_image(".", heard, options)
    assert image.tree.get("/built") is not None
    assert image.dockerfile is not None
    assert [one.name for one in image.dockerfile.instructions] == ["FROM", "COPY"]
    assert sorted(heard.lines) == ["line one", "line two"]
    asked = Path(str(builder["log"])).read_text()
    assert "--file Dockerfile --build-arg A=b c" in asked
    assert asked.endswith(" .\n")


def test_a_build_that_fails_or_lies_keeps_nothing(
    here: Path, tmp_path: Path, builder: dict[str, object]
) -> None:
    script = Path(str(builder["script"]))
    for change, problem in (
        ({"status": 3}, "failed with status 3"),
        ({"id": "../../x"}, "not a sha256 digest"),
        ({"id": digest(b"other")}, "it gave"),
    ):
        script.write_text(BUILDAH.format(**{**builder, **change}))
        with pytest.raises(SourceError, match=problem):
            read_image(".", Silent())
    assert [*(tmp_path / "cache").rglob("*sha256*")] == []


def test_a_secret_is_in_no_command(here: Path, builder: dict[str, object]) -> None:
    script = Path(str(builder["script"]))
    show = 'echo "$API_TOKEN" >&2; [ -z "$OTHER" ] || exit 9'
    script.write_text(BUILDAH.format(**{**builder, "status": 3}).replace("echo line one", show))
    options = SourceOptions(build=BuildOptions(None, ("API_TOKEN=verysecret", "OTHER=plain"), None))
    heard = Heard()
    with pytest.raises(SourceError, match="status 3") as caught:
        read_image(".", heard, options)
    assert heard.lines[0] == "verysecret"
    command = caught.value.message.splitlines()[0]
    assert "verysecret" not in command
    assert "--build-arg API_TOKEN --build-arg OTHER=plain" in command


def test_a_heredoc_that_the_builder_does_not_know_is_hinted_at(
    here: Path, builder: dict[str, object]
) -> None:
    Path("Dockerfile").write_text("FROM scratch\nCOPY <<EOF /x\ny\nEOF\n")
    Path(str(builder["script"])).write_text(BUILDAH.format(**{**builder, "status": 3}))
    with pytest.raises(SourceError) as caught:
        read_image(".", Silent())
    assert "heredocs" in (caught.value.hint or "")


def test_where_nothing_can_build_it_says_so(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SourceError, match="nothing here can build Dockerfile") as caught:
        read_image(".", Silent())
    assert "buildah" in (caught.value.hint or "")


def test_a_command_s_lines_are_handed_on_and_its_failure_told() -> None:
    heard: list[str] = []
    script = r'printf "one\r\n"; printf "\377\n" >&2; echo "$WORD"; exit 7'
    with pytest.raises(ToolError, match="failed with status 7"):
        tools.follow(["sh", "-c", script], heard.append, environment={"WORD": "given"})
    assert heard == ["one", "\ufffd", "given"]


@pytest.mark.parametrize("trap", ["echo end; exit 0", ""], ids=["heeds", "does not heed"])
def test_interrupted_a_command_and_its_children_end(
    monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    monkeypatch.setattr(tools, "_GRACE_S", 0.5)
    heard: list[str] = []

    def hear(line: str) -> None:
        heard.append(line)
        _thread.interrupt_main()

    script = f"trap '{trap}' INT; sleep 300 & echo $!; wait; wait; sleep 300"
    began_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        tools.follow(["sh", "-c", script], hear, environment={})
    assert time.monotonic() - began_s < 60
    if trap:
        os.kill(int(heard[0]), signal.SIGKILL)  # a shell that ends leaves what it began
    assert ends(int(heard[0]))


def ends(process: int) -> bool:
    """A child of a dead one is reaped by init, or stays without a command line until it is."""
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        try:
            if not Path(f"/proc/{process}/cmdline").read_bytes():
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_the_command_line_says_what_to_build(
    here: Path, builder: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["dock2uk"])
    words = ["convert", "nginx", "-o", "out", "-f", "app/web.Dockerfile", "--build-arg", "A=b"]
    done = CliRunner().invoke(cli.app, [*words, "--target", "0", "--no-verify"])
    asked = Path(str(builder["log"])).read_text()
    assert "--file app/web.Dockerfile --build-arg A=b --target 0" in asked
    assert asked.endswith(" nginx\n")
    assert isinstance(done.exception, UnsupportedError)  # a file without a program
