"""The unikernel answers as the container does: the same requests to both, answers compared whole.

Only times differ between two runs of one server, so the Date header is left out.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.boot.served import ask, get, run
from tests.guests import fetch_when_ready, free_port

Bundles = Callable[[str], Path]

REQUESTS = (
    ("GET", "/", {}),
    ("HEAD", "/", {}),
    ("GET", "/index.html", {"Range": "bytes=10-19"}),
    ("GET", "/index.html", {"Range": "bytes=99999-"}),
    ("GET", "/", {"If_Modified_Since": "Tue, 14 Nov 2023 22:13:20 GMT"}),
    ("GET", "/", {"Accept_Encoding": "gzip"}),
    ("GET", "/missing", {}),
    ("GET", "/../../etc/passwd", {}),
    ("GET", "/" + "a" * 9000, {}),
    ("POST", "/", {}),
    ("BREW", "/", {}),
)


@contextmanager
def network() -> Iterator[str]:
    """A Docker network of our own: the default one may be missing, or somebody else's business."""
    name = f"dock2uk-test-{os.getpid()}"
    made = subprocess.run(["docker", "network", "create", name], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("no Docker daemon answers here, or it gives containers no network")
    try:
        yield name
    finally:
        subprocess.run(["docker", "network", "rm", name], capture_output=True, check=False)


@contextmanager
def container(image: str) -> Iterator[int]:
    """`docker run` of the image, its port 80 on a loopback port of this machine."""
    port = free_port()
    with network() as name:
        command = ["docker", "run", "--detach", "--rm", "--network", name]
        command += ["--publish", f"127.0.0.1:{port}:80", image]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        try:
            fetch_when_ready(port, 30)
            yield port
        finally:
            end = ["docker", "kill", done.stdout.strip()]
            subprocess.run(end, capture_output=True, check=False)


@pytest.mark.parametrize("name", ["nginx", "static-go"])
def test_answers_are_the_container_s(bundle: Bundles, name: str) -> None:
    with container(f"{name}:latest") as port, run(bundle(name)) as served:
        get(served)
        for method, path, headers in REQUESTS:
            expected = ask(port, path, method, **headers)
            assert ask(served.port, path, method, **headers) == expected, (method, path[:40])
