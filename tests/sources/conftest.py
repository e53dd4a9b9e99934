"""What the tests of sources need of this machine. `make test` installs it; without root or a Docker
daemon, which both need the right to start, what needs them is left out and says so."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dock2uk.ingest import SourceOptions, read_image
from dock2uk.model import Image, Node
from dock2uk.progress import Silent
from tests.images import directory, docker_archive, file, hard_link, layer
from tests.unit.test_ingest_daemon import LAYERS

_PATIENCE_S = 30


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*words: str | Path) -> str:
    # With CONTAINER_HOST set podman is a client, which takes no --root.
    environment = {name: text for name, text in os.environ.items() if name != "CONTAINER_HOST"}
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=300, check=False, env=environment
    )
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return str(done.stdout).strip()


def read(reference: str, options: SourceOptions = SourceOptions()) -> Image:  # noqa: B008
    return read_image(reference, Silent(), options)


def facts(node: Node) -> tuple[object, ...]:
    """All that a tree says of a path but which layer it is from."""
    content = node.content.read() if node.content is not None else None
    owner = (node.mode, node.uid, node.gid, node.mtime)
    return (node.path, node.type, owner, content, node.target, node.device, dict(node.xattrs))


def tree(image: Image) -> list[tuple[object, ...]]:
    return [facts(node) for node in image.tree]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An image with whiteouts, links and owners in it, as `docker save` has it."""
    return docker_archive(tmp_path / "i.tar", LAYERS, tags=("dock2uk-test/odd:1",), Cmd=["/x"])


@pytest.fixture
def plain_archive(tmp_path: Path) -> Path:
    """One without whiteouts: not every storage driver can give those back as they came."""
    second = layer(file("part/gone", b"other"), hard_link("link", "part/gone"), directory("new"))
    return docker_archive(
        tmp_path / "plain.tar", (LAYERS[0], second), tags=("dock2uk-test/plain:1",), Cmd=["/x"]
    )


def has_docker() -> bool:
    return subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0


needs_docker = pytest.mark.skipif(not has_docker(), reason="no Docker daemon answers here")
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="podman's and buildah's stores need root")


@dataclass(frozen=True)
class Store:
    """podman and buildah with a store of their own, that is gone with the test."""

    directory: Path

    @property
    def options(self) -> list[str]:
        places = ("--root", self.directory / "root", "--runroot", self.directory / "run")
        return [*map(str, places), "--storage-driver", "vfs"]

    def podman(self, *words: str | Path) -> str:
        return run("podman", *self.options, *words)

    def buildah(self, *words: str | Path) -> str:
        return run("buildah", *self.options, *words)


@pytest.fixture
def store() -> Iterator[Store]:
    """Under a short name: podman takes none of more than 50 characters for its --runroot."""
    with tempfile.TemporaryDirectory(prefix="store-", ignore_cleanup_errors=True) as name:
        yield Store(Path(name))


@dataclass(frozen=True)
class Service:
    address: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def podman_service(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A real podman that listens, and a docker that does not."""
    socket = store.directory / "podman.sock"
    monkeypatch.delenv("CONTAINER_HOST", raising=False)
    command = ["podman", *store.options, "system", "service", "--time=0", f"unix://{socket}"]
    log = (store.directory / "log").open("wb")
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        deadline_s = time.monotonic() + _PATIENCE_S
        while not socket.is_socket() and time.monotonic() < deadline_s:
            time.sleep(0.1)
        monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
        monkeypatch.setenv("CONTAINER_HOST", f"unix://{socket}")
        try:
            yield Service(f"unix://{socket}", process)
        finally:
            process.kill()
