"""Images of the Docker daemon: a fake one for what is asked of it, the real one as the oracle."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker.errors
import pytest

from dock2uk import engines
from dock2uk.engines import Engine
from dock2uk.errors import LayerError, SourceError
from dock2uk.ingest import read_image
from dock2uk.model import Node, NodeType, Origin
from dock2uk.progress import Silent
from tests.images import (
    Entry,
    directory,
    docker_archive,
    file,
    hard_link,
    layer,
    oci_layout,
    symlink,
    tar_of,
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@dataclass
class FakeDaemon:
    """The calls of docker's client that ingest makes, and nothing more."""

    id: str
    data: bytes
    tags: tuple[str, ...] = ("web:1", "database:2")
    attrs: dict[str, Any] = field(default_factory=dict)
    saves: int = 0
    is_broken: bool = False

    @property
    def images(self) -> FakeDaemon:
        return self

    def get(self, reference: str) -> FakeDaemon:
        if reference not in self.tags:
            raise docker.errors.ImageNotFound("no such image")
        return self

    def list(self) -> list[FakeDaemon]:
        return [self]

    def close(self) -> None:
        return

    def save(self, chunk_size: int) -> Iterator[bytes]:
        self.saves += 1
        yield self.data[:1000]
        if self.is_broken:
            raise docker.errors.APIError("the connection was lost")
        yield self.data[1000:]


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDaemon:
    path = docker_archive(tmp_path / "saved.tar", [layer(file("a", b"content"))])
    image_id = read_image(f"docker-archive:{path}", Silent()).digest
    fake = FakeDaemon(image_id, path.read_bytes())
    monkeypatch.setattr(engines, "connect", lambda _: fake)
    monkeypatch.setattr(engines, "available", lambda: [Engine("the Docker daemon", "")])
    return fake


def kept(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache/dock2uk/images").iterdir())


def test_an_image_is_saved_once(daemon: FakeDaemon) -> None:
    first, second = (read_image("web:1", Silent()) for _ in range(2))
    assert first.digest == second.digest == daemon.id
    assert daemon.saves == 1


@pytest.mark.parametrize(
    ("stated", "origin"),
    [
        (None, Origin("web")),
        ([], Origin("web")),
        (["<none>@sha256:" + "1" * 64], Origin("web")),
        (
            [f"other.example:5000/team/web@sha256:{'1' * 64}", f"web@sha256:{'2' * 64}"],
            Origin("web", "docker.io/library/web", (f"sha256:{'2' * 64}",)),
        ),
        (
            [f"other.example:5000/team/site@sha256:{'1' * 64}"],
            Origin("site", "other.example:5000/team/site", (f"sha256:{'1' * 64}",)),
        ),
    ],
)
def test_an_engine_says_which_registry_has_an_image(
    daemon: FakeDaemon, stated: list[str] | None, origin: Origin
) -> None:
    daemon.attrs["RepoDigests"] = stated
    assert read_image("web:1", Silent()).origin == origin


def test_a_name_it_does_not_have_is_met_with_those_it_has(daemon: FakeDaemon) -> None:
    with pytest.raises(SourceError) as caught:
        read_image("docker-daemon:wbe:1", Silent())
    assert caught.value.hint == "it has: web:1, database:2"


def test_a_save_cut_short_leaves_nothing(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.is_broken = True
    with pytest.raises(SourceError, match="connection was lost"):
        read_image("web:1", Silent())
    assert kept(tmp_path) == []


def test_another_image_than_was_asked_for_is_not_kept(tmp_path: Path, daemon: FakeDaemon) -> None:
    daemon.id = "sha256:" + "0" * 64
    with pytest.raises(SourceError, match="it gave"):
        read_image("web:1", Silent())
    assert kept(tmp_path) == []


def test_a_copy_that_was_damaged_is_fetched_again(tmp_path: Path, daemon: FakeDaemon) -> None:
    read_image("web:1", Silent())
    (copy,) = kept(tmp_path)
    copy.write_bytes(copy.read_bytes().replace(b"content", b"CONTENT"))
    with pytest.raises(LayerError) as caught:
        read_image("web:1", Silent())
    assert caught.value.hint is not None
    read_image("web:1", Silent())
    assert daemon.saves == 2


def test_an_id_may_be_a_manifest_s(tmp_path: Path, daemon: FakeDaemon) -> None:
    """As docker has it where it keeps images in containerd's store."""
    layout = oci_layout(tmp_path / "oci", [layer(file("b"))])
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    daemon.id, daemon.data = entry["digest"], tar_of(layout, tmp_path / "oci.tar").read_bytes()
    assert read_image("web:1", Silent()).tree.get("/b") is not None
    daemon.id = "sha256:" + "1" * 64
    with pytest.raises(SourceError):
        read_image("web:1", Silent())


# ------------------------------------------------------------------ the real one

# Left out, because docker fails or differs from one storage driver to the next: hard links to a
# lower layer's file, entries below a lower layer's symlink, a path that comes twice, and the mode
# of a directory that no layer names.


# What a container is given beside its image.
GIVEN = {"/.dockerenv", "/dev", "/proc", "/sys", "/etc"}

LAYERS = (
    layer(
        directory("usr"), directory("part"), directory("opaque"), directory("usr/lib"),
        symlink("lib", "usr/lib"), file("usr/lib/a", b"1", 0o4755),
        file("gone/deep/f"), file("part/gone"), file("part/kept"), file("opaque/old/f"),
        file("replaced/inside"), directory("attributes", 0o755), file("attributes/f"),
        Entry("owned", b"x" * 1000, uid=33, gid=44, mode=0o640), symlink("loop", "loop"),
    ),
    layer(
        file("opaque/before"), file("opaque/.wh..wh..opq"), file("opaque/after"),
        file(".wh.gone"), file("part/.wh.gone"), file("replaced", b"a file now"),
        directory("attributes", 0o700), file("linked0"), hard_link("linked", "linked0"),
    ),
    layer(
        file("linked2"),
        hard_link("linked3", "linked2"), directory("gone", 0o711), file("opaque/.wh.before"),
    ),
)  # fmt: skip


def exported(directory_: Path, archive: Path) -> bytes:
    """The file system of a container made of the archive's image, by docker."""

    def docker_(*words: str | Path) -> str:
        return subprocess.run(
            ["docker", *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    image = docker_("load", "--quiet", "--input", archive).rpartition(" ")[2]
    try:
        container = docker_("create", image)
        docker_("export", "--output", directory_ / "export.tar", container)
        docker_("rm", container)
    finally:
        docker_("rmi", image)
    return (directory_ / "export.tar").read_bytes()


def is_given(path: str) -> bool:
    return any(path == given or path.startswith(f"{given}/") for given in GIVEN)


def of_tar(data: bytes) -> dict[str, tuple[Any, ...]]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            source = tar.getmember(member.linkname) if member.islnk() else member
            found["/" + member.name.rstrip("/")] = (
                source.isdir(), source.mode & 0o7777, source.uid, source.gid, source.size,
                source.linkname if source.issym() else None,
            )  # fmt: skip
    return {path: facts for path, facts in found.items() if not is_given(path)}


def of_node(node: Node) -> tuple[Any, ...]:
    is_directory = node.type is NodeType.DIRECTORY
    return (is_directory, node.mode, node.uid, node.gid, node.size, node.target)


def test_the_tree_is_what_docker_gives_a_container(tmp_path: Path) -> None:
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no Docker daemon answers here")
    archive = docker_archive(tmp_path / "i.tar", LAYERS, tags=(), Cmd=["/x"])
    tree = read_image(f"docker-archive:{archive}", Silent()).tree
    found = {n.path: of_node(n) for n in tree if n.path != "/" and not is_given(n.path)}
    assert found == of_tar(exported(tmp_path, archive))
