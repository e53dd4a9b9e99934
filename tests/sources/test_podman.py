"""A real podman, asked over its socket where docker has not the image."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from dock2uk.errors import ImageNotFoundError, SourceError
from dock2uk.ingest import read_image
from dock2uk.progress import Silent
from tests.images import docker_archive, file, layer
from tests.sources.conftest import Service, Store, needs_root, read, tree

pytestmark = needs_root


def test_its_images_are_read(plain_archive: Path, store: Store, podman_service: Service) -> None:
    store.podman("load", "--quiet", "--input", plain_archive)
    found = read("dock2uk-test/plain:1")
    assert tree(found) == tree(read(f"docker-archive:{plain_archive}"))
    assert tree(read("docker-daemon:dock2uk-test/plain:1")) == tree(found)


def test_an_image_of_oci_s_form_has_its_id(
    tmp_path: Path, store: Store, podman_service: Service
) -> None:
    """buildah's own form, whose configuration docker's archive has to keep as it is."""
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY Dockerfile /\nCMD ["/x"]\n')
    store.buildah("build", "--quiet", "--tag", "localhost/own:1", tmp_path)
    found = read("docker-daemon:localhost/own:1")
    assert found.tree.get("/Dockerfile") is not None
    assert found.config.cmd == ("/x",)


def test_what_it_has_not_is_said_with_what_it_has(
    plain_archive: Path, store: Store, podman_service: Service
) -> None:
    store.podman("load", "--quiet", "--input", plain_archive)
    with pytest.raises(ImageNotFoundError, match=r"podman at .* has no image") as caught:
        read("docker-daemon:dock2uk-test/plane:1")
    assert "dock2uk-test/plain:1" in (caught.value.hint or "")


class Killer(Silent):
    """Ends the service as soon as some of the image has come."""

    def __init__(self, process: int) -> None:
        self._process = process

    def advance(self, done_bytes: int, total_bytes: int | None) -> None:
        os.kill(self._process, signal.SIGKILL)


def test_killed_while_it_saves_nothing_is_kept(
    tmp_path: Path, store: Store, podman_service: Service
) -> None:
    large = docker_archive(
        tmp_path / "large.tar", [layer(file("random", os.urandom(96 << 20)))], tags=("big:1",)
    )
    store.podman("load", "--quiet", "--input", large)
    with pytest.raises(SourceError, match="podman at") as caught:
        read_image("docker-daemon:big:1", Killer(podman_service.process.pid))
    assert caught.value.hint is not None
    assert [*(tmp_path / "cache").glob("dock2uk/images/*")] == []
