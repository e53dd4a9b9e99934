"""What the command line says about a source reaches the stage that reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dock2uk import cli, pipeline, speech
from dock2uk.errors import Dock2ukError
from dock2uk.ingest import SourceOptions, limits
from dock2uk.ingest.options import Pull
from dock2uk.ingest.platform import Platform
from dock2uk.model import Image
from dock2uk.progress import Progress


class _SeenError(Exception):
    """Instead of an image: the question was noted."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, SourceOptions]]:
    noted: list[tuple[str, SourceOptions]] = []

    def read_image(reference: str, progress: Progress, options: SourceOptions) -> Image:
        noted.append((reference, options))
        raise _SeenError

    monkeypatch.setattr(pipeline, "read_image", read_image)
    return noted


def convert(tmp_path: Path, *words: str) -> BaseException | None:
    command = ["convert", "nginx", "-o", str(tmp_path / "out"), *words]
    return CliRunner().invoke(cli.app, command).exception


def test_without_options_the_defaults_are_meant(
    tmp_path: Path, asked: list[tuple[str, SourceOptions]]
) -> None:
    assert isinstance(convert(tmp_path), _SeenError)
    assert asked == [("nginx", SourceOptions())]


def test_each_option_reaches_the_stage(
    tmp_path: Path, asked: list[tuple[str, SourceOptions]]
) -> None:
    words = ["--pull", "always", "--platform", "linux/arm64", "--limit", "entries=5"]
    words += ["--mirror", "a.example", "--mirror", "ghcr.io=b.example/x"]
    words += ["--insecure-registry", "c.example:5000"]
    assert isinstance(convert(tmp_path, *words), _SeenError)
    ((_, options),) = asked
    assert options == SourceOptions(
        pull=Pull.ALWAYS,
        platform=Platform("linux", "arm64"),
        mirrors=("a.example", "ghcr.io=b.example/x"),
        insecure_registries=("c.example:5000",),
        limits=limits.Limits(entries=5),
    )


@pytest.mark.parametrize(
    "words", [["--platform", "amd64"], ["--limit", "entries"], ["--limit", "none=5"]]
)
def test_an_option_that_cannot_be_understood_is_an_error_with_a_hint(
    tmp_path: Path, asked: list[tuple[str, SourceOptions]], words: list[str]
) -> None:
    problem = convert(tmp_path, *words)
    assert isinstance(problem, Dock2ukError)
    assert problem.hint
    assert not asked
    assert not (tmp_path / "out").exists()


def test_a_source_that_cannot_be_read_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a command: exit status 1, one JSON document, and a hint in it."""
    monkeypatch.setattr("sys.argv", ["dock2uk", "convert", "Nginx", "-o", "out", "--json"])
    monkeypatch.setattr(speech._Documents, "count", 0)  # whatever this process printed before
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert said.err == ""
    error = json.loads(said.out)["error"]
    assert "small letters: nginx" in error["hint"]
    assert list(tmp_path.iterdir()) == []
