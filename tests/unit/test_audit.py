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
from dock2uk.audit.changes import findings
from dock2uk.entrypoint import Bounds, Options, Resolve
from dock2uk.errors import Dock2ukError, InterruptedAuditError
from dock2uk.ingest import SourceOptions
from dock2uk.model import Confidence, Difference, DifferenceKind
from dock2uk.pipeline import Foresight, Request, foresee
from dock2uk.progress import Silent
from tests import images
from tests.images import config_of, docker_archive, file, layer, oci_layout
from tests.unit.test_cli import dock2uk

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMA = json.loads((DOCS / "audit.schema.json").read_text())
HOSTILE = "<script>x</script>\u202e|`"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("program") / "app"
    command = ["gcc", "-static", "-x", "c", "-", "-o", path]
    subprocess.run(command, input="int main(void) { return 0; }", text=True, check=True)
    return path.read_bytes()


def archive(path: Path, *command: str, program: bytes) -> str:
    made = layer(file("app", program, 0o755), file("bin/dash", b"#!", 0o755))
    return f"docker-archive:{docker_archive(path, [made], Cmd=list(command))}"


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
    assert row["because"] == ["run -e DB_PASSWORD=VALUE: secret left out: its name says so"]


def test_a_program_that_may_be_started_is_to_be_tested(tmp_path: Path) -> None:
    path = tmp_path / "app"
    source = 'const char *shell = "/usr/bin/dated"; int main(void) { return !shell; }'
    command = ["gcc", "-static", "-x", "c", "-", "-o", path]
    subprocess.run(command, input=source, text=True, check=True)
    other = file("usr/bin/dated", path.read_bytes(), 0o755)
    made = layer(file("app", path.read_bytes(), 0o755), other)
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


def test_what_is_for_another_system_is_not_convertible(
    tmp_path: Path, program: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_windows(*given: Any, **config: Any) -> bytes:
        return config_of(*given, **config).replace(b'"linux"', b'"windows"')

    monkeypatch.setattr(images, "config_of", of_windows)
    row = audit.assess(Request(archive(tmp_path / "a.tar", "/app", program=program)))
    assert (row["verdict"], "Windows" in row["because"][0]) == ("not convertible", True)


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


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["redis-server"], "/usr/bin/redis-check-rdb as redis-server"),
        (["/usr/bin/redis-check-rdb", "x"], "/usr/bin/redis-check-rdb"),
        ([], "/usr/bin/redis-check-rdb"),
    ],
)
def test_a_program_of_several_names_is_shown_with_the_one_it_has(
    argv: list[str], shown: str
) -> None:
    row = audit.assessment.without("x", "convertible", ())
    row["program"] = {"exe": "/usr/bin/redis-check-rdb", "argv": argv}
    row["program"] |= {"uid": 0, "ports": [], "method": "static", "confidence": "read"}
    document = audit.build([row])
    assert f"| {shown} |" in audit.FORMATS["md"](document)
    assert f"<code>{shown}</code></td>" in audit.FORMATS["html"](document)


def test_what_a_verdict_means_is_said_everywhere_the_same() -> None:
    readme = (DOCS.parent / "README.md").read_text()
    verdicts = SCHEMA["$defs"]["verdict"]
    assert verdicts["enum"] == list(audit.VERDICTS) == list(assessment.MEANINGS)
    page = audit.FORMATS["html"](fleet(1))
    for verdict, meaning in assessment.MEANINGS.items():
        assert f"{verdict}: {meaning}" in verdicts["description"]
        assert f"| {verdict} | {meaning[0].upper()}{meaning[1:]}. |" in readme
        assert f"<dt>{verdict}</dt><dd>{meaning}</dd>" in page


def fleet(count: int, **changed: Any) -> dict[str, Any]:
    """An audit of so many images that are alike."""
    program = {"exe": "/usr/sbin/nginx", "argv": ["nginx"], "uid": 0, "ports": [], "method": "elf"}
    row = {
        **assessment.without("x", "convertible with a change", ("recipe nginx: one process",)),
        "program": program | {"confidence": "certain"}, "risks": ["it runs as user 0"],
        "metrics": [
            {"id": "bytes", "name": "bytes", "unit": "bytes", "before": 4 << 20, "after": 1 << 20},
            {"id": "files", "name": "files", "unit": "files", "before": 7000, "after": 20},
        ],
    }  # fmt: skip
    rows = [row | {"source": f"registry.example/team/image-{n}:1"} | changed for n in range(count)]
    document = audit.build(rows)
    jsonschema.validate(document, SCHEMA)
    return document


def printed(document: dict[str, Any], width: int | None = None) -> str:
    console = Console(width=1000, record=True, file=io.StringIO())
    console.print(audit.summary(document, width), soft_wrap=True)
    return console.export_text()


def test_risks_and_gains_are_told_with_how_many_have_them() -> None:
    document = fleet(3)
    document["images"][0] |= {"risks": ["its own", "it runs as user 0"], "risks_unlisted": 4}
    text, markdown = printed(document), audit.FORMATS["md"](document)
    for shown in (text, markdown.replace("\\", "")):
        assert "3 images: it runs as user 0" in shown
        assert "registry.example/team/image-0:1: its own" in shown
        assert "and 4 more" in shown
        assert "4.0 MiB > 1.0 MiB (-75 %)" in shown
        assert "7,000 > 20" in shown
    [first, second] = [
        line for line in text.splitlines() if re.match(r".*image-[01]:1 +conv", line)
    ]
    assert re.search(r"nginx +6 ", first)
    assert re.search(r"nginx +1 ", second)


def test_more_risks_than_a_screen_has_are_counted() -> None:
    document = fleet(1, risks=[f"risk {n}" for n in range(100)])
    assert "\nand 70 more\n" in printed(document)


def test_a_terminal_narrower_than_the_table_has_a_block_an_image() -> None:
    document = fleet(2)
    assert printed(document, width=400) == printed(document)
    text = printed(document, width=80)
    assert max(map(len, text.splitlines())) <= 80
    first = text[: text.index("registry.example/team/image-1:1")].splitlines()
    assert first[:2] == ["registry.example/team/image-0:1", "  convertible with a change"]
    assert [line.split() for line in first[2:4]] == [["program", "/usr/sbin/nginx"], ["risks", "1"]]


def test_the_markdown_of_hundreds_of_images_fits_a_comment() -> None:
    text = audit.FORMATS["md"](fleet(1500))
    assert 55_000 < len(text.encode()) <= 60_200
    assert text.startswith("## dock2uk audit: 1500 convertible with a change\n")
    assert text.endswith("--report html=PATH or json=PATH has all._\n")
    assert "left out" not in audit.FORMATS["md"](fleet(10))


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


def test_hostile_names_are_text_in_every_form() -> None:
    row = {
        "source": HOSTILE, "digest": None, "verdict": "not read", "because": [HOSTILE],
        "hint": HOSTILE, "program": None, "risks": [HOSTILE], "risks_unlisted": 3, "metrics": [],
    }  # fmt: skip
    document = audit.build([row])
    jsonschema.validate(document, SCHEMA)
    assert "<script>x" not in audit.FORMATS["html"](document)
    assert "<script>x" not in audit.FORMATS["md"](document).replace("\\<", "")
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(audit.summary(document))
    text = console.export_text()
    assert ("\u202e" in text, "\\u202e" in text) == (False, True)


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
