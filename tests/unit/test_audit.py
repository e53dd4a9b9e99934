"""The audit: a verdict for each image whatever the others do, kept until all are done."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from dock2uk import audit, bars
from dock2uk.audit import assessment, looking
from dock2uk.errors import (
    Dock2ukError,
    InterruptedAuditError,
)
from dock2uk.ingest import SourceOptions
from dock2uk.pipeline import Request
from dock2uk.progress import Silent
from tests.audits import SCHEMA, archive, compiled
from tests.images import docker_archive, file, layer, oci_layout
from tests.unit.test_cli import dock2uk


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def program() -> bytes:
    return compiled()


def test_a_row_says_what_the_image_runs_and_what_is_gained(tmp_path: Path, program: bytes) -> None:
    row = audit.assess(Request(archive(tmp_path / "a.tar", "/app", "-x", program=program)))
    assert (row["verdict"], row["because"]) == ("convertible", [])
    assert (row["program"]["exe"], row["program"]["argv"]) == ("/app", ["/app", "-x"])
    figures = {one["id"]: (one["before"], one["after"]) for one in row["metrics"]}
    assert figures["shells"] == (1, 0)
    assert figures["files"] == (2, 1)
    assert "it runs as user 0" in row["risks"]


@pytest.mark.parametrize(
    ("command", "verdict", "said"),
    [
        (("/none",), "not convertible", "/none"),
        (("/bin/dash", "-c", "app & app & wait"), "not convertible", "dash"),
    ],
)
def test_what_cannot_be_converted_says_why(
    tmp_path: Path, program: bytes, command: tuple[str, ...], verdict: str, said: str
) -> None:
    row = audit.assess(Request(archive(tmp_path / "a.tar", *command, program=program)))
    assert row["verdict"] == verdict
    assert said in " ".join(row["because"])


def test_risks_that_are_not_listed_are_counted(
    tmp_path: Path, program: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assessment, "_MOST_RISKS", 0)
    row = audit.assess(Request(archive(tmp_path / "a.tar", "/app", program=program)))
    assert (row["risks"], row["risks_unlisted"] > 0) == ([], True)


def test_our_own_mistakes_are_a_row_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(assessment, "foresee", fails)
    row = audit.assess(Request("x"))
    assert (row["verdict"], row["because"]) == (
        "not read",
        ["an error of dock2uk's own, KeyError: 'surprise'"],
    )


def test_one_bad_image_stops_no_other(tmp_path: Path, program: bytes) -> None:
    good = archive(tmp_path / "good.tar", "/app", program=program)
    (tmp_path / "bad.tar").write_bytes(b"no tar")
    (tmp_path / "list").write_text(
        f"# a fleet\n{good}\n\ndocker-archive:bad.tar # damaged\n{good}\n"
    )
    done = dock2uk(
        "audit", "--from-file", "list", "--report", "json=out.json", "--report", "html=out.html",
        "--report", "md=out.md", "-j", "2", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    document = json.loads((tmp_path / "out.json").read_text())
    jsonschema.validate(document, SCHEMA)
    assert [row["verdict"] for row in document["images"]] == ["convertible", "not read"]
    assert "1 convertible; 1 not read" in done.stdout
    assert not list((tmp_path / "cache/dock2uk/audits").iterdir())
    page = (tmp_path / "out.html").read_text()
    assert "default-src &#39;none&#39;" in page
    assert "Audit of 2 images" in page


def test_no_name_and_no_reason_is_cut_and_the_summary_of_a_step_has_them(
    tmp_path: Path, program: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("COLUMNS", "40")
    (tmp_path / "summary.md").write_text("before\n")
    source = archive(tmp_path / f"{'long-name-' * 12}.tar", "/none", program=program)
    good = archive(tmp_path / f"{'other-name-' * 12}.tar", "/app", program=program)
    done = dock2uk("audit", source, good, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, *_ = [line for line in done.stdout.splitlines() if line.startswith(source)]
    assert "not convertible" in first
    assert any(line.startswith(good) and "/app" in line for line in done.stdout.splitlines())
    assert "…" not in done.stdout
    assert any(line.startswith(f"{source}: ") for line in done.stdout.splitlines())
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("before\n## dock2uk audit: 1 convertible; 1 not convertible\n")


class Told(Silent):
    """What an audit says while it goes on."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.done: list[tuple[int, int, str]] = []

    def say(self, line: str) -> None:
        self.said.append(line)

    def counted(self, done: int, total: int, last: str) -> None:
        self.done.append((done, total, last))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Looked at, in order; of what is so called, the first look is interrupted or fails."""
    asked: list[str] = []

    def assessed(source: str, _: object) -> dict[str, Any]:
        asked.append(source)
        if source == "interrupted" and asked.count(source) == 1:
            raise KeyboardInterrupt
        verdict = "not read" if source == "unreachable" else "convertible"
        return assessment.without(source, verdict, ())

    monkeypatch.setattr(looking, "_assessed", assessed)
    return asked


def test_an_interrupted_audit_goes_on_where_it_was(tmp_path: Path, asked: list[str]) -> None:
    wanted = audit.Audit(("first", "interrupted", "third"), jobs=1)
    with pytest.raises(InterruptedAuditError, match="interrupted: 1 of 3 images are done") as ended:
        audit.look(wanted, Silent())
    assert (ended.value.hint, ended.value.exit_status) == (
        "the same command goes on where it was",
        130,
    )
    told = Told()
    rows = audit.look(wanted, told)
    assert asked.count("first") == 1
    assert [row["source"] for row in rows] == ["first", "interrupted", "third"]
    [note] = told.said
    assert re.fullmatch(r"resumed: 1 image from [-0-9]+ [0-9:]+ \(--fresh begins anew\)", note)
    assert told.done == [(2, 3, "interrupted: convertible"), (3, 3, "third: convertible")]
    fresh = audit.Audit(wanted.sources, jobs=1, is_fresh=True)
    audit.look(fresh, Silent())
    assert asked.count("first") == 2
    audit.forget(wanted)
    assert not list((tmp_path / "cache/dock2uk/audits").iterdir())


def test_only_the_same_question_has_the_rows_of_another_audit(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is of another file elsewhere, a name of another daemon's image."""
    wanted = audit.Audit(("first",), jobs=1)
    audit.look(wanted, Silent())
    audit.look(wanted, Silent())
    assert asked == ["first"]
    places = SourceOptions(mirrors=("mirror.example",))
    audit.look(replace(wanted, how=audit.How(places=places)), Silent())
    assert len(asked) == 2
    with monkeypatch.context() as changed:
        changed.setenv("DOCKER_HOST", "tcp://other:2375")
        audit.look(wanted, Silent())
    with monkeypatch.context() as changed:
        changed.chdir(tmp_path)
        audit.look(wanted, Silent())
    (tmp_path / "config.json").write_text('{"currentContext": "remote"}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    audit.look(wanted, Silent())
    (tmp_path / "config.json").write_text('{"currentContext": "another"}')
    audit.look(wanted, Silent())
    assert len(asked) == 6


def test_what_could_not_be_read_or_is_old_is_looked_at_again(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = audit.Audit(("first", "unreachable"), jobs=1)
    audit.look(wanted, Silent())
    audit.look(wanted, Silent())
    assert asked == ["first", "unreachable", "unreachable"]
    tomorrow = time.time() + 25 * 3600
    monkeypatch.setattr(time, "time", lambda: tomorrow)
    told = Told()
    audit.look(wanted, told)
    assert (asked[3:], told.said) == (["first", "unreachable"], [])


def test_where_images_are_looked_for_reaches_each_look(tmp_path: Path, program: bytes) -> None:
    image = oci_layout(tmp_path / "layout", [layer(file("app", program, 0o755))], Cmd=["/app"])
    source = f"docker://127.0.0.1:1/x:{image.name}"
    done = dock2uk("audit", source, "--mirror", "127.0.0.1:1=127.0.0.1:2/m", "--json", cwd=tmp_path)
    [row] = json.loads(done.stdout)["images"]
    assert (row["verdict"], "127.0.0.1:2" in row["because"][0]) == ("not read", True)
    done = dock2uk("audit", source, "--limit", "nonsense=1", cwd=tmp_path)
    assert (done.returncode, "nonsense" in done.stderr) == (1, True)


def test_rows_are_told_as_they_come_where_there_is_no_terminal(
    tmp_path: Path, program: bytes
) -> None:
    image = archive(tmp_path / "a.tar", "/app", program=program)
    done = dock2uk("audit", image, cwd=tmp_path)
    assert done.stderr.splitlines() == [f"1 of 1: {image}: convertible"]


def test_on_a_terminal_a_bar_counts_images_and_no_bytes() -> None:
    console = Console(width=100, file=io.StringIO(), force_terminal=True, record=True)
    with bars.live(console) as live:
        shown = bars.Bars(live)
        shown.step("looking at 301 images")
        shown.counted(7, 301, "x: convertible")
        [task] = live.tasks
        assert (task.completed, task.total, task.description) == (7, 301, "x: convertible")
        live.refresh()
    text = console.export_text()
    assert ("7 of 301" in text, "bytes" in text) == (True, False)


def test_a_look_that_says_nothing_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_LONGEST_S", 0.01)
    [row] = audit.look(audit.Audit(("x",), jobs=1), Silent())
    assert row["verdict"] == "not read"
    assert "took more than 0.01 s" in row["because"][0]


def test_a_look_that_dies_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an image makes of the process that looks at it, such as one that memory ends."""
    monkeypatch.setattr(looking, "row", _dies)
    [row] = audit.look(audit.Audit(("x",), jobs=1), Silent())
    assert row["verdict"] == "not read"
    assert "ended with status -9" in row["because"][0]


def _dies(*_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_interrupted_it_ends_soon_and_leaves_no_process(tmp_path: Path) -> None:
    sources = ("docker-archive:/dev/stdin", "docker-archive:none.tar")
    command = [sys.executable, "-m", "dock2uk", "audit", *sources, "-j2"]
    environment = {**os.environ, "DOCKER_HOST": "unix:///no"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"1 of 2: docker-archive:none.tar: not read\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"interrupted: 1 of 2 images are done\ntry: the same command goes on" in said
    assert _is_gone_soon(process.pid)


def _is_gone_soon(group: int) -> bool:
    """What processes are forked from ends when it sees that there is nobody to ask it."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_with_json_the_audit_is_one_document(tmp_path: Path, program: bytes) -> None:
    image = archive(tmp_path / "a.tar", "/app", program=program)
    done = dock2uk("audit", image, "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["counts"]["convertible"] == 1
    assert done.stderr == ""


def test_what_has_no_room_in_the_summary_of_a_step_is_told(
    tmp_path: Path, program: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    image = archive(tmp_path / "a.tar", "/app", program=program)
    summary.write_text("x" * ((1 << 20) - 100))
    done = dock2uk("audit", image, cwd=tmp_path)
    said = "what dock2uk has to say is left out: a summary may have 1 MiB"
    assert f"{summary}: {said}" in done.stderr
    assert summary.read_text().endswith(f"x\n_{said}._\n")


def test_vulnerabilities_are_counted_where_there_is_data(tmp_path: Path, program: bytes) -> None:
    site = "usr/lib/python3/site-packages"
    files = [
        file("app", program, 0o755),
        file(f"{site}/flask.dist-info/METADATA", b"Name: Flask\nVersion: 2.2.0\n"),
        file(f"{site}/odd.dist-info/METADATA", b"Name: odd\nVersion: what\n"),
    ]
    known = docker_archive(tmp_path / "a.tar", [layer(*files[:2])], Cmd=["/app"])
    odd = docker_archive(tmp_path / "b.tar", [layer(*files)], Cmd=["/app"])
    place = tmp_path / "osv/PyPI"
    place.mkdir(parents=True)
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3"}]}]
    package = {"ecosystem": "PyPI", "name": "flask"}
    record = {"id": "GHSA-1", "affected": [{"package": package, "ranges": ranges}]}
    (place / "GHSA-1.json").write_text(json.dumps(record))
    sources = [f"docker-archive:{image}" for image in (known, odd)]
    done = dock2uk("audit", *sources, "--vuln-db", "osv", "--report", "json=a.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [heading, *_] = done.stdout.splitlines()
    assert heading.endswith(" vulnerabilities")
    rows = json.loads((tmp_path / "a.json").read_text())["images"]
    figures = [{one["id"]: one["before"] for one in row["metrics"]} for row in rows]
    assert [one["vulnerabilities"] for one in figures] == [1, None]
    said = [" ".join(row["risks"]) for row in rows]
    no_data = "vulnerabilities: no data of 1 pypi packages: "
    assert [no_data in one for one in said] == [False, True]
    done = dock2uk("audit", sources[0], "--vuln-db", "none", cwd=tmp_path)
    assert (done.returncode, "no directory of an ecosystem" in done.stderr) == (1, True)


def test_a_list_is_read_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "list"
    path.write_text("\ufeffa:1\n  b:2  # the second\n#c\n\na:1\nc:3\t# tab\nd#4\n \t# e\n")
    assert audit.listed(["z"], path) == ("z", "a:1", "b:2", "c:3", "d#4")
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(io.BytesIO(b"x:1\ny:2 # z\n")))
    assert audit.listed([], Path("-")) == ("x:1", "y:2")
    with pytest.raises(Dock2ukError, match="no image is named"):
        audit.listed([], None)
    with pytest.raises(Dock2ukError, match="cannot read"):
        audit.listed([], tmp_path / "none")
