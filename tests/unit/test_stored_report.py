"""report.json is read again with care: another version, another shape, a changed bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_report import document  # noqa: F401 - a fixture

from dock2uk import stored_report
from dock2uk.errors import Dock2ukError
from tests.unit.test_cli import dock2uk


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 99}, "a report of version 99, where 1 is what is read"),
        ({"metrics": {}}, "it is no report: metrics is not as it should be"),
        ({"metrics": [{"id": "x"}]}, "it is no report: name of a figure is not"),
        ({"vulnerabilities": 1}, "it is no report: vulnerabilities is not as it should be"),
    ],
)
def test_another_shape_is_told(
    document: dict[str, Any],  # noqa: F811
    tmp_path: Path,
    change: dict[str, Any],
    said: str,
) -> None:
    (tmp_path / "report.json").write_text(json.dumps(document | change))
    with pytest.raises(Dock2ukError, match=said):
        stored_report.read(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "null", "{}"])
def test_what_is_no_report(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(Dock2ukError, match=r"r\.json: (not understood|it is no report)"):
        stored_report.read(path)
    with pytest.raises(Dock2ukError, match="cannot read"):
        stored_report.read(tmp_path / "none")


def test_what_is_missing_further_down_is_no_traceback(
    document: dict[str, Any],  # noqa: F811
    tmp_path: Path,
) -> None:
    (tmp_path / "report.json").write_text(json.dumps(document | {"losses": [{}]}))
    for words in (("report", "."), ("report", ".", "--report", "html=x.html")):
        done = dock2uk(*words, cwd=tmp_path)
        assert done.returncode == 1
        assert "not as a report of this version is: " in done.stderr
        assert "Traceback" not in done.stderr


def test_a_file_of_the_bundle_is_not_written_over(
    document: dict[str, Any],  # noqa: F811
    tmp_path: Path,
) -> None:
    text = json.dumps(document)
    (tmp_path / "report.json").write_text(text)
    (tmp_path / "bundle.json").write_text("{}")
    done = dock2uk("report", ".", "--report", "md=report.json", cwd=tmp_path)
    assert "report.json is a file of the bundle" in done.stderr
    assert (tmp_path / "report.json").read_text() == text
    refused = dock2uk("report", ".", "--report", "md=none/x.md", cwd=tmp_path)
    assert "cannot write none/x.md: No such file or directory" in refused.stderr


def test_a_dash_is_stdout_alone(document: dict[str, Any], tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "report.json").write_text(json.dumps(document))
    done = dock2uk("report", "report.json", "--report", "json=-", cwd=tmp_path)
    assert json.loads(done.stdout) == document
    assert not (tmp_path / "-").exists()


def test_a_bundle_is_held_to_rules_later(document: dict[str, Any], tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "report.json").write_text(json.dumps(document))
    done = dock2uk("report", ".", "--fail-on", "packages>=1", cwd=tmp_path)
    assert done.returncode == 2
    assert "policy (--fail-on): packages>=1" in done.stderr
    assert "packages>=1: it is " in done.stderr
    assert dock2uk("report", ".", "--fail-on", "setgid>9", cwd=tmp_path).returncode == 0
    assert dock2uk("report", ".", "--fail-if-worse", ".", cwd=tmp_path).returncode == 0
    (tmp_path / ".dock2uk.toml").write_text('fail_on = ["packages>=1"]')
    assert dock2uk("report", ".", cwd=tmp_path).returncode == 0  # not asked for
    assert dock2uk("report", ".", "--policy", "default", cwd=tmp_path).returncode == 2
    two = dock2uk("report", ".", ".", "--fail-on", "packages>=1", cwd=tmp_path)
    assert "rules are about one bundle" in two.stderr
