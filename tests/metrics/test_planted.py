"""Every figure of planted images is what was counted by hand, and each has its evidence."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dock2uk import entrypoint, pipeline
from dock2uk.contents import Held
from dock2uk.elf import HEADER_SIZE_BYTES
from dock2uk.model import Change, Entrypoint, Node, NodeType, Rootfs
from dock2uk.pipeline import Foresight, Request, foresee
from dock2uk.progress import Silent
from dock2uk.report import difference, foreseen, start_up
from dock2uk.report.program_metrics import program_metrics
from tests.metrics import planted

EXPECTED = tomllib.loads((Path(__file__).parent / "expect.toml").read_text())
NAMES = sorted(EXPECTED)
# Sizes differ from compiler to compiler; the others have tests of their own.
NOT_COUNTED = {
    "bytes", "code_bytes", "return_bytes", "system_calls", "writable_directories",
    "undeclared_ports", "child_programs",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "metrics-cache"))


def found(name: str, directory: Path) -> Foresight:
    return foresee(Request(planted.archive(name, directory / "image.tar")), Silent())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_counted_is_what_was_planted(name: str, tmp_path: Path) -> None:
    metrics = {one["id"]: one for one in foreseen(found(name, tmp_path))}
    expected = EXPECTED[name]
    assert metrics.keys() == expected.keys() | NOT_COUNTED
    said = {key: [metrics[key]["before"], metrics[key]["after"]] for key in expected}
    assert said == {
        key: [None if one == "none" else one for one in pair] for key, pair in expected.items()
    }


def test_what_start_up_does_is_not_counted_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setuid shell that start-up makes, accounts that it changes, and a file that it removes."""
    made = [
        Node(path, NodeType.FILE, mode, 0, 0, 0, Held(data))
        for path, mode, data in (
            ("/usr/bin/bash", 0o4755, b"s"), ("/etc/passwd", 0o644, b"root:x:0:0::/:/x\n"),
        )
    ]  # fmt: skip
    changes = (*(Change(one.path, one) for one in made), Change("/usr/bin/zsh", None))

    def resolved(*arguments: Any) -> Entrypoint:
        return replace(entrypoint.resolve(*arguments), changes=changes)

    monkeypatch.setattr(pipeline, "resolve", resolved)
    known = found("rpm", tmp_path)
    assert known.image.tree.get("/usr/bin/bash") is not None
    before = {one["id"]: one["before"] for one in foreseen(known)}
    for name, (count, _) in EXPECTED["rpm"].items():
        assert before[name] == (None if count == "none" else count), name
    assert start_up.notes(known.source.tree, changes) == (
        "files that start-up made: 1, changed: 1, removed: 1; "
        "figures before are of the image without that",
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_paths_has_its_evidence(name: str, tmp_path: Path) -> None:
    known = found(name, tmp_path)
    profile = difference.of_image(name, known.image, known.inventory, known.secrets)
    for number in profile.numbers:
        if number.unit in ("paths", "accounts", "packages", "secrets") and number.value is not None:
            assert len(number.evidence) == number.value, number.id


def test_code_and_returns_are_those_of_executable_segments(tmp_path: Path) -> None:
    known = found("rpm", tmp_path)
    metrics = {
        one.id: one for one in program_metrics(known.image.tree, known.rootfs, planted.APPLICATION)
    }
    code = metrics["code_bytes"]
    assert code.before == code.after
    assert code.after is not None
    assert 0 < code.after < len(planted.program()) - HEADER_SIZE_BYTES
    assert code.evidence_before == (f"{planted.APPLICATION}: {code.after:,}",)
    assert (metrics["return_bytes"].before, metrics["return_bytes"].after) == (2, 2)


def test_the_workload_is_none_of_the_tools(tmp_path: Path) -> None:
    tree = found("rpm", tmp_path).image.tree
    counts = {
        workload: next(
            one.before
            for one in program_metrics(tree, Rootfs((), (), ()), workload)
            if one.id == "living_off_the_land"
        )
        for workload in (planted.APPLICATION, "/usr/bin/find")
    }
    assert counts == {planted.APPLICATION: 2, "/usr/bin/find": 1}
