"""JSON of the wrong shape, anywhere in an image's documents: an error of ours, never a surprise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dock2uk.errors import Dock2ukError
from dock2uk.ingest import read_image
from dock2uk.progress import Silent
from tests.images import config_of, digest, file, layer, oci_layout

WRONG: tuple[Any, ...] = (None, 5, "x", [], {}, [5], [{}], {"a": 5}, "\ud800", "a\0b", "../x")
ONE = layer(file("a"))
CONFIG = {
    **json.loads(
        config_of(
            [ONE], Entrypoint=["/a"], Cmd=["b"], Env=["A=b"], ExposedPorts={"80/tcp": {}},
            Volumes={"/v": {}}, Labels={"a": "b"}, StopSignal="SIGQUIT", WorkingDir="/", User="0",
        )
    ),
    "history": [{"created_by": "x"}],
}  # fmt: skip


def spoiled(document: Any) -> Iterator[Any]:
    """The document with each of its values replaced by each wrong one, or left out."""
    yield from WRONG
    if isinstance(document, dict):
        for key, value in document.items():
            yield {other: kept for other, kept in document.items() if other != key}
            yield from ({**document, key: changed} for changed in spoiled(value))
    if isinstance(document, list):
        for index, value in enumerate(document):
            for changed in spoiled(value):
                yield [*document[:index], changed, *document[index + 1 :]]


def manifest_of(config: Any) -> list[dict[str, Any]]:
    name = digest(json.dumps(config).encode()).removeprefix("sha256:") + ".json"
    return [{"Config": name, "RepoTags": ["t:1"], "Layers": ["0.tar"]}]


def write_archive(directory: Path, config: Any, manifest: Any) -> Path:
    path = directory / "i.tar"
    documents = ((manifest_of(config)[0]["Config"], config), ("manifest.json", manifest))
    members = [file(name, json.dumps(document).encode()) for name, document in documents]
    path.write_bytes(layer(file("0.tar", ONE), *members))
    return path


def read_archive(directory: Path, config: Any, manifest: Any) -> None:
    path = write_archive(directory, config, manifest)
    for reference in ("", ":t:1"):
        with suppress(Dock2ukError):
            read_image(f"docker-archive:{path}{reference}", Silent())


def read_layout(directory: Path, index: Any) -> None:
    (directory / "index.json").write_text(json.dumps(index))
    for reference in ("", ":t"):
        with suppress(Dock2ukError):
            read_image(f"oci:{directory}{reference}", Silent())


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return oci_layout(tmp_path / "oci", [ONE])


def test_configurations(tmp_path: Path) -> None:
    for config in spoiled(CONFIG):
        read_archive(tmp_path, config, manifest_of(config))


def test_manifests_of_archives(tmp_path: Path) -> None:
    for manifest in spoiled(manifest_of(CONFIG)):
        read_archive(tmp_path, CONFIG, manifest)


def test_indexes_of_layouts(layout: Path) -> None:
    index = json.loads((layout / "index.json").read_text())
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": "t"}
    index["manifests"][0]["platform"] = {"os": "linux", "architecture": "amd64"}
    for changed in spoiled(index):
        read_layout(layout, changed)


def test_manifests_of_layouts(layout: Path) -> None:
    index = json.loads((layout / "index.json").read_text())
    blobs = layout / "blobs/sha256"
    name = index["manifests"][0]["digest"].removeprefix("sha256:")
    manifest = json.loads((blobs / name).read_text())
    for changed in spoiled(manifest):
        data = json.dumps(changed).encode()
        (blobs / digest(data).removeprefix("sha256:")).write_bytes(data)
        read_layout(layout, {"manifests": [{"digest": digest(data), "size": len(data)}]})


@pytest.mark.parametrize("word", ["a\0b", "\ud800"])
def test_words_that_no_program_could_be_given_are_refused(tmp_path: Path, word: str) -> None:
    config = {**CONFIG, "config": {"Cmd": [word]}}
    path = write_archive(tmp_path, config, manifest_of(config))
    with pytest.raises(Dock2ukError, match=r"NUL|JSON"):
        read_image(f"docker-archive:{path}", Silent())
