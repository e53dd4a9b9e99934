"""Debian's docker-registry on loopback, for the time of a `with`."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_START_S = 30.0


@contextmanager
def running(
    directory: Path, tls: Mapping[str, str] | None = None, auth: Mapping[str, object] | None = None
) -> Iterator[str]:
    """Its address, HOST:PORT; its data, configuration and log stay in `directory`.

    `tls` and `auth` are as its configuration has them (distribution's Configuring a registry).
    RuntimeError with the log if it does not start.
    """
    address = f"127.0.0.1:{_free_port()}"
    configuration = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}},
        "http": {"addr": address, "secret": "loopback", **({"tls": tls} if tls else {})},
        **({"auth": auth} if auth else {}),
    }
    path, log = directory / "config.yml", directory / "log"
    path.write_text(json.dumps(configuration))  # JSON is YAML
    command = ["docker-registry", "serve", str(path)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _wait(process, address, log)
        yield address
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    host, _, port = address.partition(":")
    ends_s = time.monotonic() + _START_S
    while time.monotonic() < ends_s and process.poll() is None:
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"docker-registry did not start: {log.read_text()}")
