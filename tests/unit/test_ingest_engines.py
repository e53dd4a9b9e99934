"""Where the container engines are found; docker's own command is the oracle for its contexts."""

from __future__ import annotations

import http.server
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from dock2uk import engines
from dock2uk.engines import DOCKER
from dock2uk.errors import ImageNotFoundError, SourceError
from dock2uk.ingest import read_image
from dock2uk.progress import Silent
from tests.images import digest


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What docker's client is made with."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(docker, "DockerClient", lambda **words: calls.append(words))
    monkeypatch.setattr(docker, "from_env", lambda **words: calls.append({"environment": True}))
    return calls


def make_context(directory: Path, name: str, host: str) -> None:
    """As `docker context create` writes it."""
    place = directory / "contexts/meta" / digest(name.encode()).removeprefix("sha256:")
    place.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": False}
    document = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
    (place / "meta.json").write_text(json.dumps(document))


def test_contexts_and_variables_in_the_order_docker_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[dict[str, Any]]
) -> None:
    directory = tmp_path / "docker"
    make_context(directory, "far", "unix:///far.sock")
    make_context(directory, "other", "unix:///other.sock")
    engines.connect(DOCKER)
    (directory / "config.json").write_text(json.dumps({"currentContext": "far"}))
    engines.connect(DOCKER)
    monkeypatch.setenv("DOCKER_HOST", "unix:///host.sock")
    engines.connect(DOCKER)
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    engines.connect(DOCKER)
    found = [call.get("base_url", "environment") for call in asked]
    assert found == [
        "unix:///var/run/docker.sock", "unix:///far.sock", "environment", "unix:///other.sock"
    ]  # fmt: skip


def test_docker_s_command_writes_contexts_so(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    if shutil.which("docker") is None:
        pytest.skip("no docker command here")
    host = f"host=unix://{tmp_path}/x.sock"
    for words in (("create", "mine", "--docker", host), ("use", "mine")):
        subprocess.run(["docker", "context", *words], check=True, capture_output=True)
    engines.connect(DOCKER)
    assert asked[0]["base_url"] == f"unix://{tmp_path}/x.sock"


def test_a_context_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "nowhere")
    with pytest.raises(ImageNotFoundError, match="nowhere"), engines.connected(DOCKER):
        pass


def test_podman_is_looked_for_where_it_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    place = tmp_path / "podman"
    place.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / "podman.sock"))
        assert [one.address for one in engines.available()][:2] == [
            "", f"unix://{place}/podman.sock"
        ]  # fmt: skip
    monkeypatch.setenv("CONTAINER_HOST", "tcp://127.0.0.1:1")
    assert [one.address for one in engines.available()] == ["", "tcp://127.0.0.1:1"]


def test_where_no_engine_answers_all_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("CONTAINER_HOST", "tcp://127.0.0.1:2")
    with pytest.raises(ImageNotFoundError, match=r"the Docker daemon.*podman at tcp://127.0.0.1:2"):
        read_image("docker-daemon:any", Silent())


class Daemon(http.server.BaseHTTPRequestHandler):
    """Docker's API as far as it is asked, and no further: the save is cut short by `ending`."""

    protocol_version = "HTTP/1.1"
    ending = b""
    identifier = digest(b"image")

    def do_GET(self) -> None:
        if self.path.endswith("/get"):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n" + self.ending)
            self.close_connection = True
            return
        answer = {"ApiVersion": "1.41", "Id": self.identifier, "Size": 5000}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        return


@contextmanager
def serving(ending: bytes) -> Iterator[int]:
    handler = type("Ending", (Daemon,), {"ending": ending})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("ending", [b"", b"400\r\nxx", b"zz\r\n", b"0\r\n\r\n"])
def test_a_daemon_that_goes_away_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: bytes
) -> None:
    with serving(ending) as port:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        with pytest.raises(SourceError, match="the Docker daemon"):
            read_image("docker-daemon:any", Silent())
    assert [*(tmp_path / "cache/dock2uk/images").iterdir()] == []
