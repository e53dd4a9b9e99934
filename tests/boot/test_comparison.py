"""The container's answers beside the unikernel's, with this machine's engine; and traced runs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.boot.served import DOCK2UK, REPOSITORY
from tests.leftovers import left

FIXTURES = REPOSITORY / "build/fixtures"


def made() -> set[str]:
    """Containers and networks of comparisons."""
    lists = (["ps", "--all", "--quiet", "--filter", "label=dock2uk"], ["network", "ls", "--quiet"])
    shown = [subprocess.run(["docker", *one], capture_output=True, text=True) for one in lists]
    return {line for one in shown for line in one.stdout.splitlines()}


@pytest.fixture(autouse=True)
def engine_has(request: pytest.FixtureRequest) -> None:
    command = ["docker", "image", "inspect", "nginx:latest"]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no Docker daemon of this machine has the image")


def report(tmp_path: Path, *options: str, image: str = "nginx") -> dict[str, Any]:
    source = f"oci:{FIXTURES / image}"
    command = [*DOCK2UK, "convert", source, "-o", str(tmp_path / "n.uk"), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_answers_are_the_container_s_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    before = made()
    asked = ("--probe", "http://:80/", "--probe", "http://:80/missing", "--probe", "tcp:80")
    comparison = report(tmp_path, *asked)["comparison"]
    assert comparison["is_compared"], comparison["reason"]
    assert [one["question"] for one in comparison["answers"]] == list(asked[1::2])
    assert all(not one["differences"] for one in comparison["answers"]), comparison
    assert comparison["answers"][0]["varying"] == ["header date"]
    assert not left(made, before)


def test_a_page_that_was_dropped_is_a_difference(tmp_path: Path) -> None:
    document = report(tmp_path, "--drop", "/srv/www/index.html")
    [answer] = document["comparison"]["answers"]
    assert "status: 200 in the container, 403 in the unikernel" in answer["differences"]
    assert any(note.startswith("/srv/www/index.html is dropped") for note in document["notes"])


def test_it_may_be_left_out(tmp_path: Path) -> None:
    comparison = report(tmp_path, "--no-compare")["comparison"]
    assert comparison == {"is_compared": False, "reason": "it was not asked for", "answers": []}


def test_an_interpreter_that_is_a_plug_in_reads_its_configuration(tmp_path: Path) -> None:
    """PHP in Apache; what its start-up makes at random is a key that no page shows."""
    document = report(tmp_path, "--bake", image="start-wordpress")
    [answer] = document["comparison"]["answers"]
    assert not answer["differences"]


def test_a_traced_run_decides_what_stays_of_files_and_calls(tmp_path: Path) -> None:
    traced = ("--strip", "traced", "--prune", "traced", "--probe", "http://:80/")
    document = report(tmp_path, *traced)
    assert document["verification"]["is_passed"]
    assert document["verification"]["missed_system_calls"] == []
    assert not document["comparison"]["answers"][0]["differences"]
    because = {one["path"]: one["because"] for one in document["files"]["kept"]}
    # libc opens it, and takes universal time where it is not there.
    assert because["/etc/localtime"] == "named by a traced run (http://:80/)"
    linked = document["artifact"]["system_calls"]
    assert len(linked) < 60
    assert {"accept4", "epoll_wait", "writev"} <= set(linked)
    assert "execve" not in linked


def test_a_rule_that_holds_ends_with_status_2_and_keeps_the_bundle(tmp_path: Path) -> None:
    bundle = tmp_path / "n.uk"
    rules = ["--fail-on", "shells>0", "--fail-on", "effective_uid==0"]
    command = [*DOCK2UK, "convert", f"oci:{FIXTURES / 'nginx'}", "-o", bundle, "--no-verify"]
    done = subprocess.run([*command, *rules], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "effective_uid==0: it is 0" in done.stderr
    assert "policy (--fail-on): shells>0, effective_uid==0" in done.stderr
    assert "shells>0: it is" not in done.stderr
    assert (bundle / "report.json").exists()


def test_one_that_does_not_answer_is_told_what_the_rules_say_too(tmp_path: Path) -> None:
    asked = ["--probe", "http://:81/", "--fail-on", "effective_uid==0"]
    command = [*DOCK2UK, "convert", f"oci:{FIXTURES / 'nginx'}", "-o", tmp_path / "n.uk", *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr.index("effective_uid==0: it is 0") < done.stderr.index("did not pass")
