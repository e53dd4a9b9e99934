"""One request over HTTP, and any answer: also from a port that speaks something else.

What forwards a port may accept before the program does, so an open connection proves nothing: only
bytes from the program do, or its own closing of the connection.
"""

from __future__ import annotations

import hashlib
import http.client
import socket

from ..model import Answer, Question, Response

_SERVER_ERROR = 500
_LARGEST_BODY_BYTES = 64 << 20


def fetch(question: Question, address: tuple[str, int], timeout_s: float) -> Answer:
    """Fetch the question's path from `address`, where its port can be reached."""
    request = f"GET {question.path} HTTP/1.1\r\nHost: {question.host}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(address, timeout=timeout_s) as connection:
            connection.sendall(request.encode())
            return _answer(connection)
    except OSError as error:
        return Answer(f"no answer: {error}", is_passed=False)


def _answer(connection: socket.socket) -> Answer:
    first = connection.recv(4, socket.MSG_PEEK)
    if not first:
        return Answer("connection accepted and closed without a byte", is_passed=True)
    if not b"HTTP".startswith(first[:4]):
        return Answer("connection accepted, the answer is not HTTP", is_passed=True)
    response = http.client.HTTPResponse(connection, method="GET")
    try:
        response.begin()
        body = response.read(_LARGEST_BODY_BYTES + 1)
        if len(body) > _LARGEST_BODY_BYTES:
            return Answer(f"a body of more than {_LARGEST_BODY_BYTES} bytes", is_passed=False)
        return _cut(response, len(body)) if response.length else _verdict(response, body)
    except http.client.IncompleteRead as error:
        return _cut(response, len(error.partial))
    except http.client.HTTPException as error:
        return Answer(f"broken HTTP: {error!r}", is_passed=False)


def _cut(response: http.client.HTTPResponse, size: int) -> Answer:
    said = f"status {response.status}, but the body ends after {size} bytes"
    return Answer(said, is_passed=False)


def _verdict(response: http.client.HTTPResponse, body: bytes) -> Answer:
    """A page has a body; any other answer short of a server error shows a service at work."""
    digest = hashlib.sha256(body).hexdigest()
    said = f"status {response.status}, body of {len(body)} bytes, sha256 {digest}"
    is_page = response.status == http.client.OK
    is_passed = bool(body) if is_page else response.status < _SERVER_ERROR
    headers = tuple(response.getheaders())
    return Answer(said, is_passed, Response(response.status, headers, len(body), digest))
