"""What tests of running guests share."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request


def free_port() -> int:
    """A TCP port of the host that nothing uses at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def fetch_when_ready(port: int, timeout_s: float, path: str = "/") -> bytes:
    """The body of `path` from the guest behind `port`, which may still be starting: until it
    listens, QEMU accepts and closes."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.05)
