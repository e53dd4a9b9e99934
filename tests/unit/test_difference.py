"""What lies between two images or unikernels, and what is said not to have been compared."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console
from test_report import document  # noqa: F401 - a fixture

from dock2uk.ingest import DEFAULT_OPTIONS
from dock2uk.pipeline import profile
from dock2uk.progress import Silent
from dock2uk.report import difference
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
    second = attacked("2.json", "blocked by absence", "not run", "blocked by the kernel")
    found = between(first, second)
    assert [(one["id"], one["first"], one["second"]) for one in found["scenarios"]] == [
        ("a0", "blocked by absence", "blocked by absence"), ("a1", "not blocked", "not run"),
        ("a2", None, "blocked by the kernel"),
    ]  # fmt: skip
    text, markdown = shown(found), difference.FORMATS["md"](found)
    for said in (text, markdown.replace("\\", "")):
        assert "drop (T1059): not blocked, then not run" in said
        assert "not among its attacks, then blocked by the kernel" in said
        assert "shell (T1059): blocked by absence" in said
    assert "attacks that end otherwise: 2" in text
    assert "attacks that end the same: 1" in text
    assert "\x1b[31m" not in text
    assert "<script" not in markdown.replace("\\<script", "")
    mixed = between(images[0], first)
    assert mixed["scenarios"] is None
    assert "attacks: not compared" in shown(mixed)


def shown(found: dict[str, Any]) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
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
