"""bundle.json: what is written conforms to the schema and is read back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from dock2uk import bundle
from dock2uk.errors import Dock2ukError
from dock2uk.match import load_runtimes, offer
from dock2uk.model import Artifact
from dock2uk.recipes import load_recipes
from dock2uk.verify.run import run_guest
from tests.values import entrypoint, image

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "bundle.schema.json"


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    path = tmp_path / "unikernel.elf"
    path.write_bytes(b"not really an ELF")
    (runtime,) = load_runtimes()
    return Artifact(path, "0" * 64, path.stat().st_size, 1, 1, 1, 1, offer(runtime))


def test_the_manifest_conforms_to_its_schema(artifact: Artifact, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    path = bundle.write(image(), entrypoint(), artifact, "qemu", (tmp_path / "report.json",))
    document = json.loads(path.read_text())
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert [file["name"] for file in document["files"]] == ["report.json", "unikernel.elf"]


def test_what_was_written_is_read(artifact: Artifact, tmp_path: Path) -> None:
    bundle.write(image(), entrypoint(), artifact, "qemu", ())
    found = bundle.read(tmp_path)
    assert found.image == artifact.path
    assert found.ports == ("80/tcp",)
    assert found.memory_mb == bundle.default_memory_mb(artifact, entrypoint()) == 80
    assert bundle.altered_files(found) == ()


def test_a_machine_without_drivers_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    made = replace(artifact, match=replace(artifact.match, machines=("q35",)))
    bundle.write(image(), entrypoint(), made, "qemu", ())
    with pytest.raises(Dock2ukError, match="made for q35, not microvm") as raised:
        run_guest(tmp_path, machine="microvm")
    assert "--machine microvm" in str(raised.value.hint)


def test_a_recipe_may_ask_for_more_memory(artifact: Artifact) -> None:
    recipe = next(recipe for recipe in load_recipes() if recipe.memory_mb)
    wanting = replace(entrypoint(), recipes=(recipe.applied("is given memory"),))
    assert bundle.default_memory_mb(artifact, wanting) >= recipe.memory_mb


def test_an_altered_or_missing_file_is_noticed(artifact: Artifact, tmp_path: Path) -> None:
    bundle.write(image(), entrypoint(), artifact, "qemu", ())
    artifact.path.write_bytes(b"something else...")
    assert bundle.altered_files(bundle.read(tmp_path)) == ("unikernel.elf",)
    artifact.path.unlink()
    assert bundle.altered_files(bundle.read(tmp_path)) == ("unikernel.elf",)


def test_a_directory_without_a_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Dock2ukError, match="no bundle") as caught:
        bundle.read(tmp_path)
    assert "dock2uk convert" in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 99}'])
def test_a_manifest_that_is_not_understood_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / bundle.NAME).write_text(text)
    with pytest.raises(Dock2ukError, match="not understood"):
        bundle.read(tmp_path)


def test_an_image_outside_the_bundle_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    path = bundle.write(image(), entrypoint(), artifact, "qemu", ())
    document = json.loads(path.read_text()) | {"image": "../../etc/passwd"}
    path.write_text(json.dumps(document))
    with pytest.raises(Dock2ukError, match="not understood"):
        bundle.read(tmp_path)
