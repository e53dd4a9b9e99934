"""Secrets on the command line are found there, and no format of the report has one."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console
from test_report import BEFORE, made

from dock2uk import entrypoint_document, secrets
from dock2uk.ingest import read_image
from dock2uk.model import AppliedRecipe, Difference, DifferenceKind, Rootfs
from dock2uk.packages import inventory
from dock2uk.progress import Silent
from dock2uk.report import chain, secret_findings, summary
from dock2uk.report.formats import FORMATS
from dock2uk.vulnerabilities import Finding, Severity, Vulnerabilities
from tests import values
from tests.images import docker_archive, file, layer
from tests.unit.trees import tree

VALUE = "S3cr3tHorse77"
RANDOM = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"  # under a name that says nothing
GITHUB = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"


@pytest.mark.parametrize(
    ("argv", "kind", "shown"),
    [
        (["redis-server", "--requirepass", VALUE], "a value named requirepass",
         ["redis-server", "--requirepass", "(a secret)"]),
        (["app", f"--password={VALUE}"], "a value named password",
         ["app", "--password=(a secret)"]),
        (["app", "-db.password", VALUE], "a value named db.password",
         ["app", "-db.password", "(a secret)"]),
        (["sh", "-c", f"exec app --api-key '{VALUE}' -v"], "a value named api-key",
         ["sh", "-c", "exec app --api-key '(a secret)' -v"]),
        (["env", f"API_TOKEN={VALUE}", "app"], "a value named API_TOKEN",
         ["env", "API_TOKEN=(a secret)", "app"]),
        (["app", f"--db=postgres://u:{VALUE}@db/x"], "a password in a URL",
         ["app", "--db=postgres://u:(a secret)@db/x"]),
        (["app", "é", f"é {GITHUB} é"], "a GitHub token", ["app", "é", "é (a secret) é"]),
    ],
)  # fmt: skip
def test_it_is_found_and_masked(argv: list[str], kind: str, shown: list[str]) -> None:
    assert [kind for kind, _ in secrets.command_line_values(argv)] == [kind]
    assert secrets.masked_words(argv) == shown


@pytest.mark.parametrize(
    "argv",
    [
        ["app", "--password-file", "/run/secrets/pw"],
        ["app", "--password-file=pw.txt"],
        ["app", "--requirepass", ""],
        ["app", "--password", "--verbose"],
        ["app", "--password", "$PASSWORD"],
        ["app", "--password=${PASSWORD}"],
        ["app", "--password=<your-password>"],
        ["app", "--token-ttl", "3600"],
        ["app", "--compass", "north"],
        ["app", "https://example.com:80/", "user@host"],
        ["password", VALUE],
    ],
)
def test_what_is_none_is_shown_as_it_is(argv: list[str]) -> None:
    assert list(secrets.command_line_values(argv)) == []
    assert secrets.masked_words(argv) == argv


def test_it_is_a_finding_that_is_kept_with_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = docker_archive(
        tmp_path / "image.tar", (layer(file("app")),),
        Entrypoint=["/app", "--requirepass"], Cmd=[VALUE],
    )  # fmt: skip
    image = read_image(f"docker-archive:{path}", Silent())
    found = secrets.find(image)
    assert [(one.kind, one.place) for one in found] == [
        ("a value named requirepass", "command line")
    ]
    assert VALUE not in repr(found)
    for argv, is_kept in ((("app", "--requirepass", VALUE), True), (("app",), False)):
        program = values.entrypoint(argv=argv)
        (one,) = secret_findings.found(found, image, (), Rootfs((), (), ()), program)
        assert one.is_kept is is_kept


@pytest.fixture
def document() -> dict[str, Any]:
    """Of a program that is told its secrets on the command line and in the environment."""
    argv = ("app", "--requirepass", VALUE, f"--db=postgres://u:{VALUE}@db/x")
    recipe = AppliedRecipe("app", "because", f"argv {['app']} became {list(argv)}")
    told = values.entrypoint(
        argv=argv,
        env=(
            "PATH=/bin",
            "API_TOKEN=env-Tok3n-99",
            "DB=postgres://u:env-p4ss@db/x",
            f"FOO={RANDOM}",
        ),
        evidence=(f"exec {' '.join(argv)} with env-Tok3n-99", f"env-p4ss and {RANDOM}"),
        recipes=(recipe,),
        differences=(Difference("argv", DifferenceKind.SECRET, f"has {VALUE}", False),),
    )
    dash = next(one for one in inventory(tree(BEFORE)).packages if one.name == "dash")
    known = Finding("CVE-1", (), Severity.LOW, (), dash, dash.purl, ("grype: x",))
    return made(Vulnerabilities((), (known,), ()), told)


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_has_it(document: dict[str, Any], name: str) -> None:
    text = FORMATS[name](document)
    assert not [value for value in (VALUE, "env-Tok3n-99", "env-p4ss", RANDOM) if value in text]


def test_the_terminal_has_it_not(document: dict[str, Any]) -> None:
    out = io.StringIO()
    terminal = Console(file=out, width=400)
    terminal.print(chain("app", document["entrypoint"]))
    terminal.print(summary(document))
    text = out.getvalue()
    assert "(a secret)" in text
    assert not [value for value in (VALUE, "env-Tok3n-99", "env-p4ss", RANDOM) if value in text]


def test_the_document_without_it_still_conforms(document: dict[str, Any]) -> None:
    schema = json.loads(Path("docs/entrypoint.schema.json").read_text())
    jsonschema.validate(document["entrypoint"], schema)
    assert document["entrypoint"]["argv"][2] == "(a secret)"


def test_a_secret_that_is_a_word_of_the_schema_spoils_none() -> None:
    kept = {"kind": "secret", "detail": "the secret"}
    assert entrypoint_document.without(("secret",), kept) == {
        "kind": "secret", "detail": "the (a secret)",
    }  # fmt: skip
