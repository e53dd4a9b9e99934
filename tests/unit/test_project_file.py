"""`.dock2uk.toml`: where it is found, what it says, and each mistake told."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from dock2uk.errors import Dock2ukError
from dock2uk.gates import Gate
from dock2uk.model import PruneMode, Question, QuestionKind, Rule, StripMode
from dock2uk.policy import Ignore
from dock2uk.project_file import NAME, ProjectFile, find, parse
from dock2uk.project_options import StripWord, project_options

TEXT = """
strip = "safe"
prune = "traced"
probe = ["http://:80/health"]
fail_on = ["shells>0"]
policy = "default"
[[ignore]]
id = "CVE-1"
reason = "not reached"
owner = "web"
expires = 2027-03-01
[[keep]]
path = "/usr/share/misc"
reason = "looked up by name\\n  at run time"
[[drop]]
path = "/srv/app/tests"
reason = "never used in production"
"""


def test_what_it_says() -> None:
    assert parse("x.toml", TEXT) == ProjectFile(
        "x.toml",
        StripMode.SAFE,
        PruneMode.TRACED,
        (Question(QuestionKind.HTTP, "http://:80/health", 80, path="/health"),),
        (Gate("shells>0", "shells", ">", 0),),
        keep=(
            Rule(
                "/usr/share/misc",
                "x.toml: keep /usr/share/misc",
                "looked up by name at run time",
            ),
        ),
        drop=(Rule("/srv/app/tests", "x.toml: drop /srv/app/tests", "never used in production"),),
        policy="default",
        ignore=(Ignore("CVE-1", "not reached", "web", datetime.date(2027, 3, 1)),),
    )
    assert parse("x.toml", "") == ProjectFile("x.toml")


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("strip = ", "x.toml: ", None),
        ("strip = 'tight'", "x.toml: strip = 'tight'", "known: safe, closure, traced, none"),
        ("prune = 'some'", "x.toml: prune = 'some'", "known: reachable, traced, none"),
        ("fail_on = ['shels>0']", "x.toml: not a rule: 'shels>0'", "did you mean shells?"),
        ("strip = 3", "x.toml: strip is 3, where a string is expected", None),
        ("stirp = 'safe'", "x.toml: unknown key stirp", "did you mean strip?"),
        ("keep = ['/a']", "x.toml: keep is not tables", "write [[keep]] above each rule"),
        ("[keep]\npath = '/a'", "x.toml: keep is {'path': '/a'}", None),
        ("[[keep]]\npath = '/a'", "x.toml: [[keep]] 1: reason is missing", None),
        ("[[drop]]\nreason = 'x'", "x.toml: [[drop]] 1: path is missing", None),
        ("policy = 'strict'", "x.toml: policy = 'strict'", "known: default"),
        ("[[ignore]]\nid = 'CVE-1'", "x.toml: [[ignore]] 1: reason is missing", None),
        (
            "[[ignore]]\nexpires = 2027-01-01T00:00:00Z",
            "x.toml: [[ignore]] 1: expires is 2027-01-01 00:00:00+00:00, where a day is expected",
            None,
        ),
        (
            "[[ignore]]\nexpires = '2027-01-01'",
            "x.toml: [[ignore]] 1: expires is '2027-01-01', where a day is expected",
            None,
        ),
        ("[[drop]]\npath = '/a'\nreason = ' '", "x.toml: [[drop]] 1: reason is missing", None),
        ("[[keep]]\npaht = '/a'", "x.toml: [[keep]] 1: unknown key paht", "did you mean path?"),
        ("probe = ['ftp:1']", "x.toml: not a probe: ftp:1", None),
        ("[[keep]]\npath = 1", "x.toml: [[keep]] 1: path is 1, where a string", None),
    ],
)
def test_each_mistake_is_named(text: str, problem: str, hint: str | None) -> None:
    with pytest.raises(Dock2ukError) as caught:
        parse("x.toml", text)
    assert str(caught.value).startswith(problem)
    if hint is not None:
        assert caught.value.hint == hint


def test_found_beside_the_source_else_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, here = tmp_path / "project", tmp_path / "here"
    project.mkdir()
    here.mkdir()
    (project / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(here)
    assert find(None, str(project)) == ProjectFile()
    (here / NAME).write_text("strip = 'none'")
    assert find(None, "nginx:latest") == ProjectFile(NAME, StripMode.NONE)
    (project / NAME).write_text("strip = 'safe'")
    for source in (project, project / "Dockerfile"):
        assert find(None, str(source)) == ProjectFile(str(project / NAME), StripMode.SAFE)
    assert find(here / NAME, str(project)).strip is StripMode.NONE  # as asked


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(Dock2ukError, match="cannot read"):
        find(tmp_path / "none.toml", "nginx")
    for content in (b"\xff", b"#" * ((1 << 20) + 1)):
        (tmp_path / "odd.toml").write_bytes(content)
        with pytest.raises(Dock2ukError, match=r"odd\.toml"):
            find(tmp_path / "odd.toml", "nginx")


def test_options_come_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(TEXT)
    of_file = project_options(config=path)("nginx").stripping
    assert (of_file.mode, len(of_file.keep), len(of_file.drop)) == (StripMode.SAFE, 1, 1)
    assert of_file.prune is PruneMode.TRACED
    asked = project_options(StripWord.none, keep=["/etc"], drop=["/b"], config=path)(
        "nginx"
    ).stripping
    assert (asked.mode, asked.file) == (StripMode.NONE, str(path))
    assert [rule.because for rule in asked.keep[1:] + asked.drop[1:]] == [
        "--keep /etc",
        "--drop /b",
    ]


def test_questions_of_the_file_come_before_the_options(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(TEXT.replace('policy = "default"', ""))
    options = project_options(probe=["tcp:81"], fail_on=["setuid>0"], no_compare=True, config=path)
    project = options("nginx")
    assert [gate.text for gate in project.policy.gates] == ["shells>0", "setuid>0"]
    checks = project.checks
    assert [question.text for question in checks.questions] == ["http://:80/health", "tcp:81"]
    assert (checks.is_verified, checks.is_compared) == (True, False)
