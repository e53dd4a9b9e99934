"""With --json there is one document on stdout, also where a policy says no after it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_report import document  # noqa: F401 - a fixture

from dock2uk import cli, pipeline, speech


def test_a_policy_that_says_no_prints_no_second_document(
    document: dict[str, Any],  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.chdir(tmp_path)
    made = SimpleNamespace(report=document, boot=None)
    monkeypatch.setattr(pipeline, "convert", lambda *_: made)
    monkeypatch.setattr(speech._Documents, "count", 0)
    command = ["dock2uk", "convert", "x", "-o", "uk", "--json", "--fail-on", "packages>=1"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert json.loads(said.out) == document
    assert summary.read_text().count("- packages\\>=1: it is ") == 1
