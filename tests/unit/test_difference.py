"""What lies between two images or unikernels, and what is said not to have been compared."""

from __future__ import annotations

import copy
import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console
from test_report import document  # noqa: F401 - a fixture
from test_report_page import Page

from dock2uk.ingest import DEFAULT_OPTIONS
from dock2uk.pipeline import profile
from dock2uk.progress import Silent
from dock2uk.report import difference
from dock2uk.report.difference import settings
from tests.images import docker_archive, file, layer, symlink
from tests.unit.test_cli import dock2uk

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "docs/difference.schema.json").read_text()
)
HOSTILE = "x|y`z\n<script>&\x1b[31m"
STATUS = "Package: {}\nStatus: install ok installed\nVersion: {}\n\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def images(tmp_path: Path) -> tuple[str, str]:
    """The second with another shell, a package gone, one newer, one new, and a key."""
    old = STATUS.format("a", 1) + STATUS.format("b", 1)
    new = STATUS.format("b", 2) + STATUS.format("c", 1)
    first = layer(
        file("bin/dash", b"#!", 0o755), file("same", b"same"), file("mode", b"m", 0o644),
        file("content", b"one"), symlink("link", "same"), file("only/first", b"x"),
        file("var/lib/dpkg/status", old.encode()),
    )  # fmt: skip
    second = layer(
        file("bin/dash", b"#!", 0o755), file("bin/bash", b"#!", 0o755), file("same", b"same"),
        file("mode", b"m", 0o4755), file("content", b"two"), symlink("link", "mode"),
        file(HOSTILE, b"x"), file("var/lib/dpkg/status", new.encode()),
    )  # fmt: skip
    one = docker_archive(tmp_path / "one.tar", [first])
    two = docker_archive(tmp_path / "two.tar", [second])
    return f"docker-archive:{one}", f"docker-archive:{two}"


def between(first: str, second: str) -> dict[str, Any]:
    sides = [profile(subject, DEFAULT_OPTIONS, Silent()) for subject in (first, second)]
    found = difference.build(*sides)
    jsonschema.validate(found, SCHEMA)
    return found


def test_two_images_are_compared_path_by_path(images: tuple[str, str]) -> None:
    found = between(*images)
    assert found["files"]["gone"] == ["/only", "/only/first"]
    assert found["files"]["new"] == ["/bin/bash", f"/{HOSTILE}"]
    changed = {one["path"]: (one["first"], one["second"]) for one in found["files"]["changed"]}
    assert changed.keys() == {"/content", "/link", "/mode", "/var/lib/dpkg/status"}
    assert changed["/link"] == ("symlink 0777 0:0 -> same", "symlink 0777 0:0 -> mode")
    assert changed["/mode"][1].startswith("file 4755 0:0 sha256:")
    assert found["packages"] == {
        "gone": [{"ecosystem": "deb", "name": "a", "versions": ["1"]}],
        "new": [{"ecosystem": "deb", "name": "c", "versions": ["1"]}],
        "changed": [{"ecosystem": "deb", "name": "b", "first": ["1"], "second": ["2"]}],
    }
    metrics = {one["id"]: one for one in found["metrics"]}
    assert (metrics["shells"]["first"], metrics["shells"]["second"]) == (1, 2)
    assert metrics["shells"]["new"] == ["/bin/bash (0755 0:0)"]
    assert metrics["setuid"]["new"] == ["/mode (4755 0:0)"]
    assert found["vulnerabilities"] is None


def test_an_image_and_itself_are_the_same(images: tuple[str, str]) -> None:
    found = between(images[0], images[0])
    assert not any(found["files"][part] for part in ("gone", "new", "changed"))
    assert not any(found["packages"].values())
    assert all(one["first"] == one["second"] for one in found["metrics"])


def test_of_a_bundle_its_unikernel_counts(
    document: dict[str, Any],  # noqa: F811
    tmp_path: Path,
    images: tuple[str, str],
) -> None:
    path = tmp_path / "report.json"
    known = {"id": "CVE-1", "severity": "high", "package": "pkg:deb/x", "state": "kept"}
    base = document | {"vulnerabilities": {"found": []}}
    path.write_text(json.dumps(base))
    later = copy.deepcopy(base)
    later["files"]["kept"].append({"path": "/new", "because": "x"})
    later["vulnerabilities"]["found"] = [known, known | {"id": "CVE-2", "state": "removed"}]
    (tmp_path / "later.json").write_text(json.dumps(later))
    found = between(str(path), str(tmp_path / "later.json"))
    assert (found["files"]["new"], found["files"]["gone"]) == (["/new"], [])
    assert [one["id"] for one in found["vulnerabilities"]["new"]] == ["CVE-1"]
    assert not found["files"]["are_contents_compared"]
    mixed = between(images[0], str(path))
    assert (mixed["first"]["kind"], mixed["second"]["kind"]) == ("image", "unikernel")


def test_attacks_on_two_unikernels_are_compared_one_by_one(
    document: dict[str, Any],  # noqa: F811
    tmp_path: Path,
    images: tuple[str, str],
) -> None:
    def attacked(name: str, *results: str) -> str:
        names = ("shell", "drop", HOSTILE)
        scenarios = [
            {"id": f"a{at}", "name": names[at], "technique": "T1059", "result": result}
            for at, result in enumerate(results)
        ]
        path = tmp_path / name
        path.write_text(json.dumps(document | {"scenarios": scenarios}))
        return str(path)

    first = attacked("1.json", "blocked by absence", "not blocked")
    second = attacked(
        "2.json", "blocked by absence", "blocked by the kernel", "blocked by the kernel"
    )
    found = between(first, second)
    assert [(one["id"], one["first"], one["second"]) for one in found["scenarios"]] == [
        ("a0", "blocked by absence", "blocked by absence"),
        ("a1", "not blocked", "blocked by the kernel"), ("a2", None, "blocked by the kernel"),
    ]  # fmt: skip
    text, markdown = shown(found), difference.FORMATS["md"](found)
    for said in (text, markdown.replace("\\", "")):
        assert "drop (T1059): not blocked, then blocked by the kernel" in said
        assert "not among its attacks, then blocked by the kernel" in said
        assert "shell (T1059): blocked by absence" in said
    assert "attacks that end otherwise: 2" in text
    assert "attacks that end the same: 1" in text
    assert "\x1b[31m" not in text
    assert "<script" not in markdown.replace("\\<script", "")
    mixed = between(images[0], first)
    assert mixed["scenarios"] is None
    assert f"attacks: not compared, nobody attacks an image, as {images[0]} is" in flat(mixed)
    unverified = attacked("3.json", "not run", "not run")
    text = flat(between(first, unverified))
    assert "attacks that end otherwise" not in text
    assert f"attacks: 2 not compared, for they were not run on {unverified}: convert it" in text


def test_how_images_are_started_is_compared_without_secrets(tmp_path: Path) -> None:
    def image(name: str, **config: Any) -> str:
        path = docker_archive(tmp_path / name, [layer(file("x", b"x"))], **config)
        return f"docker-archive:{path}"

    first = image(
        "1.tar", Entrypoint=["/run.sh"], Cmd=["--password=hunter2"], User="web",
        Env=["PATH=/bin", "DB_PASSWORD=q8Zold41vX", "GONE=1"], Volumes={"/data": {}},
        Labels={"version": "1"}, ExposedPorts={"80/tcp": {}},
    )  # fmt: skip
    second = image(
        "2.tar", Entrypoint=["/run.sh", "-v"], Cmd=["--password=hunter3"],
        Env=["PATH=/bin:/sbin", "DB_PASSWORD=q8Znew41vX", "API_TOKEN=q8Zthird41vX"],
        Labels={"version": "2"}, ExposedPorts={"8080/tcp": {}}, StopSignal="SIGQUIT",
    )  # fmt: skip
    found = between(first, second)
    assert "settings changed: 10 Entrypoint: " in flat(found)
    wanted = [
        'Entrypoint: ["/run.sh"], then ["/run.sh", "-v"]',
        "Env new: API_TOKEN=(a secret)",
        "Env PATH: /bin, then /bin:/sbin",
        "Env gone: GONE=1",
        "User: web, then none",
        "ExposedPorts new: 8080/tcp",
        "ExposedPorts gone: 80/tcp",
        "Volumes gone: /data",
        "Labels version: 1, then 2",
        "StopSignal: SIGTERM, then SIGQUIT",
    ]
    assert list(settings.changes(found["settings"])) == wanted
    for form in difference.FORMATS.values():
        assert not re.search("hunter|q8Z", form(found))


def test_what_only_one_kind_of_side_has_is_not_compared(
    document: dict[str, Any],  # noqa: F811
    tmp_path: Path,
    images: tuple[str, str],
) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(document))
    text = flat(between(images[0], str(path)))
    assert "settings: not compared, for one side has none: Entrypoint, Cmd, User, Volumes" in text
    assert f"there is no data on {images[0]}: convert it with --vulns FILE" in text
    assert f"there is no data on {path}: convert it again with --vulns FILE" in text


def test_new_evidence_of_a_figure_is_shown_and_bounded(images: tuple[str, str]) -> None:
    found = between(*images)
    text, markdown = flat(found), difference.FORMATS["md"](found)
    assert "new behind the figures" in text
    for said in (text, markdown):
        assert "setuid files: /mode (4755 0:0)" in said
        assert "shells: /bin/bash (0755 0:0)" in said
    many = next(one for one in found["metrics"] if one["id"] == "setuid")
    many |= {"new": [f"/{number}" for number in range(8)]}
    text = flat(found | {"metrics": [many]})
    assert "setuid files: /4 " in text
    assert "setuid files: and 3 more" in text


def test_the_page_is_one_file_without_network(images: tuple[str, str]) -> None:
    found = between(*images)
    page = Page(difference.FORMATS["html"](found))
    assert page.open == []
    assert not [attrs for _, attrs in page.elements if attrs.keys() & {"src", "srcset", "style"}]
    [policy] = [attrs["content"] for _, attrs in page.elements if "http-equiv" in attrs]
    assert (policy or "").startswith("default-src 'none'; style-src 'sha256-")
    targets = {attrs.get("href") for tag, attrs in page.elements if tag == "a"}
    assert targets <= {f"#{attrs['id']}" for _, attrs in page.elements if "id" in attrs}
    lines = "\n".join(page.texts["li"])
    assert "/x|y`z\n<script>&\\u001b[31m" in lines
    assert "setuid files: /mode (4755 0:0)" in lines
    assert "there is no data on" in lines
    for row in found["metrics"]:
        assert row["name"] in "".join(page.texts["th"])


def flat(found: dict[str, Any]) -> str:
    """What the terminal shows, in one line."""
    return " ".join(shown(found).split())


def shown(found: dict[str, Any]) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(difference.summary(found))
    return console.export_text()


def test_it_is_shown_and_written(images: tuple[str, str], tmp_path: Path) -> None:
    found = between(*images)
    text = shown(found)
    assert "packages changed: 1\n  b 1 -> 2" in text
    assert "vulnerabilities: not compared" in text
    assert "\x1b[31m" not in text
    markdown = difference.FORMATS["md"](found)
    assert "<script" not in markdown.replace("\\<script", "")
    assert markdown.count("<details>") == markdown.count("</details>") > 3


def test_the_command_takes_one_or_two(images: tuple[str, str], tmp_path: Path) -> None:
    done = dock2uk("report", *images, "--report", "json=out.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    jsonschema.validate(json.loads((tmp_path / "out.json").read_text()), SCHEMA)
    wrong = dock2uk("report", *images, "--report", "sarif=out.sarif", cwd=tmp_path)
    assert wrong.returncode == 1
    assert "a difference has no sarif" in wrong.stderr
    shown = dock2uk("report", *images, "--json", cwd=tmp_path)
    assert json.loads(shown.stdout) == json.loads((tmp_path / "out.json").read_text())
    assert shown.stderr == ""
    many = dock2uk("report", *images, "third", cwd=tmp_path)
    assert "two things to compare" in many.stderr
