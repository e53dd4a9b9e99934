"""report.json: every number is what the two file systems hold, with its evidence."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console
from trees import Entry, Link, program, tree

from dock2uk.model import (
    Analysis,
    AppliedRecipe,
    Artifact,
    Drop,
    Keep,
    Match,
    Node,
    NodeType,
    Package,
    Rootfs,
    Runtime,
    SystemCall,
)
from dock2uk.pipeline import REPORT_NAME, _write_bundle
from dock2uk.report import Findings, build, summary
from tests import values

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/report.schema.json").read_text())

BEFORE: dict[str, Entry] = {
    "/usr/bin/su": program("/usr/bin/su", mode=0o4755),
    "/usr/bin/wall": program("/usr/bin/wall", mode=0o2755),
    "/usr/bin/locked": program("/usr/bin/locked", mode=0o2644),
    "/usr/bin/dash": program("/usr/bin/dash"),
    "/usr/bin/sh": Link("dash"),
    "/usr/bin/apt-get": program("/usr/bin/apt-get"),
    "/app": program("/app", b"\x7fELF\x02\x01" + bytes(10) + b"\x02\x00\x3e\x00" + bytes(44)),
    "/etc/passwd": "root:x:0:0::/root:/bin/sh\nwww:x:33:33::/:/usr/sbin/nologin\n",
    "/etc/shadow": "root:$y$j9T$hash:1::::::\nwww:!:1::::::\n",
    "/tmp": Node("/tmp", NodeType.DIRECTORY, 0o1777, 0, 0, 0),
    "/open": Node("/open", NodeType.DIRECTORY, 0o777, 0, 0, 0),
    "/lib": Link("usr/lib"),
    "/usr/lib/x": "1",
}
AFTER = ("/", "/app", "/lib", "/usr", "/usr/lib", "/usr/lib/x")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    before = tree(BEFORE)
    nodes = tuple(node for node in before if node.path in AFTER)
    decisions = tuple(
        Keep(node.path, "needed") if node.path in AFTER else Drop(node.path, "not needed")
        for node in before
    )
    packages = (
        Package("lib", "1", "lib", ("/lib", "/usr/lib/x")),
        Package("dash", "1", "dash", ("/lib", "/usr/bin/dash")),
    )
    recipe = AppliedRecipe("app", "because", "did this", write_execute="it compiles")
    findings = Findings(
        image=values.image(tree=before),
        entrypoint=values.entrypoint(recipes=(recipe,)),
        analysis=Analysis({}, {}, packages, ("could not tell",)),
        rootfs=Rootfs(nodes, decisions, (Keep("/etc/passwd", "rewritten"),)),
        artifact=_artifact(),
        boot=None,
    )
    return build(findings)


def _artifact() -> Artifact:
    calls = (SystemCall(0, "read", "full", ""), SystemCall(1, "write", "full", ""))
    here = Path("/nowhere")
    runtime = Runtime(
        name="husk", version="1", directory=here, library=here, linker_script=here,
        elf_types=("ET_EXEC",), elf_machine="x86_64", system_calls=calls, drivers=("nic",),
        machines=("pc",), minimum_memory_bytes=1 << 24,
    )  # fmt: skip
    match = Match(runtime, calls[:1], ("nic",), ())
    return Artifact(here / "unikernel.elf", "0" * 64, 1000, 600, 400, match)


def test_the_document_conforms_to_its_schema(document: dict[str, Any]) -> None:
    jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize(
    ("metric", "before", "after"),
    [
        ("files", 9, 2),
        ("setuid", 1, 0),
        ("setgid", 1, 0),
        ("shells", 2, 0),
        ("package_managers", 1, 0),
        ("elf_executable", 1, 1),
        ("elf_library", 0, 0),
        ("world_writable", 1, 0),
        ("accounts", 2, 0),
        ("login_accounts", 1, 0),
        ("password_hashes", 1, 0),
        ("packages", 2, 1),
        ("kernel_bytes", None, 600),
        ("archive_bytes", None, 400),
        ("system_calls", None, 1),
        ("drivers", None, 1),
    ],
)
def test_each_metric_counts_what_its_definition_says(
    document: dict[str, Any], metric: str, before: int | None, after: int | None
) -> None:
    (found,) = [one for one in document["metrics"] if one["id"] == metric]
    assert (found["before"], found["after"]) == (before, after)


def test_evidence_names_paths_with_mode_and_owner(document: dict[str, Any]) -> None:
    (setuid,) = [one for one in document["metrics"] if one["id"] == "setuid"]
    assert setuid["evidence"] == {"before": ["/usr/bin/su (4755 0:0)"], "after": []}


def test_no_password_hash_is_in_the_document(document: dict[str, Any]) -> None:
    assert "$y$" not in json.dumps(document)


def test_what_a_recipe_permits_is_among_the_losses(document: dict[str, Any]) -> None:
    assert document["losses"][-1] == {
        "name": "memory that is writable and executable at once",
        "detail": "it compiles",
    }


def shown(document: Mapping[str, Any]) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(summary(document))
    return console.export_text()


def test_the_terminal_names_calls_that_the_program_missed(document: dict[str, Any]) -> None:
    verification = {
        "is_passed": True, "machine": "microvm", "accelerator": "tcg", "probes": [],
        "missed_system_calls": ["io_uring_setup", "keyctl"],
    }  # fmt: skip
    text = shown(document | {"verification": verification})
    assert "not in the image and asked for: io_uring_setup, keyctl (ENOSYS)" in text


def test_the_terminal_shows_losses_and_recipes_too(document: dict[str, Any]) -> None:
    text = shown(document)
    for wanted in ("setuid files", "lost: no separation of users", "recipe app: did this"):
        assert wanted in text
    assert "not verified" in text


def test_a_name_that_is_not_unicode_comes_back_as_it_was(tmp_path: Path) -> None:
    name = {"path": "/caf\udce9"}
    _write_bundle(tmp_path, name)
    assert json.loads((tmp_path / REPORT_NAME).read_text("utf-8")) == name
