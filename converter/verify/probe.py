"""Asks a booted guest's TCP port for `/` over HTTP, and says what it answered.

User-mode networking accepts on the host before the guest does, so that a connection is open proves
nothing: only bytes from the guest do, or its own closing of the connection.
"""

from __future__ import annotations

import hashlib
import http.client
import socket

from ..model import Probe

REQUEST = "GET / HTTP/1.1"
_TIMEOUT_S = 20.0  # TCG on a busy machine
_SERVER_ERROR = 500


def fetch(port: str, address: tuple[str, int], host: str) -> Probe:
    """Fetch `/` from `address`, where the guest's `port` ("80/tcp") can be reached."""
    request = f"{REQUEST}\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(address, timeout=_TIMEOUT_S) as connection:
            connection.sendall(request.encode())
            answer, is_passed = _answer(connection)
    except OSError as error:
        answer, is_passed = f"no answer: {error}", False
    return Probe(port=port, request=REQUEST, answer=answer, is_passed=is_passed)


def _answer(connection: socket.socket) -> tuple[str, bool]:
    first = connection.recv(4, socket.MSG_PEEK)
    if not first:
        return "connection accepted and closed without a byte", True
    if not b"HTTP".startswith(first[:4]):
        return "connection accepted, the answer is not HTTP", True
    response = http.client.HTTPResponse(connection, method="GET")
    try:
        response.begin()
        return _verdict(response.status, response.read())
    except http.client.IncompleteRead as error:
        return (
            f"status {response.status}, but the body ends after {len(error.partial)} bytes",
            False,
        )
    except http.client.HTTPException as error:
        return f"broken HTTP: {error!r}", False


def _verdict(status: int, body: bytes) -> tuple[str, bool]:
    """A page has a body; any other answer short of a server error shows a service at work."""
    digest = hashlib.sha256(body).hexdigest()
    answer = f"status {status}, body of {len(body)} bytes, sha256 {digest}"
    if status == http.client.OK:
        return answer, bool(body)
    return answer, status < _SERVER_ERROR
