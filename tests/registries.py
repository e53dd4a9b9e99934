"""A registry in this process for tests: honest until told otherwise, and it notes every request.

It serves what `put` gave it, by the paths of the distribution protocol. A test makes it hostile by
giving a path an `Act` of its own.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.images import config_of, digest

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker"
MANIFEST = f"{OCI}.manifest.v1+json"
INDEX = f"{OCI}.index.v1+json"
CONFIG = f"{OCI}.config.v1+json"
_PIECE_BYTES = 64 << 10
LAYER = f"{OCI}.layer.v1.tar+gzip"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]  # names in small letters
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """A response; `stated_size` is what Content-Length says, None for its real size; `piece_s` is
    how long each 64 KiB take."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    stated_size: int | None = None
    piece_s: float = 0.0


Act = Callable[[Request], "Reply | Iterator[bytes]"]


class Registry:
    """Serves on loopback; `address` is HOST:PORT."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.requests: list[Request] = []
        self.acts: dict[str, Act] = {}
        self.guard: Act | None = None  # asked first; a Reply of status 200 lets the request pass
        handler = type("Handler", (_Handler,), {"registry": self})
        self._server = ThreadingHTTPServer((host, 0), handler)
        self._server.daemon_threads = True
        self.address = f"{host}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self, path: str, body: bytes, media_type: str = "application/octet-stream") -> None:
        def act(request: Request) -> Reply:
            return _ranged(request, body, media_type)

        self.acts[path] = act

    def put_blob(self, name: str, data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        """Its descriptor."""
        self.serve(f"/v2/{name}/blobs/{digest(data)}", data)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}

    def put_manifest(
        self, name: str, document: Any, tag: str = "", media_type: str = MANIFEST, **more: Any
    ) -> dict[str, Any]:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        for version in filter(None, (tag, digest(data))):
            self.serve(f"/v2/{name}/manifests/{version}", data, media_type)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}

    def put_image(
        self,
        name: str,
        layers: Sequence[bytes],
        tag: str = "latest",
        config: bytes | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """An image of these layers, compressed; `changes` are made in its manifest."""
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.put_blob(name, config or config_of(layers, Cmd=["/x"]), CONFIG),
            "layers": [self.put_blob(name, gzip.compress(one, mtime=0), LAYER) for one in layers],
        }
        return self.put_manifest(name, {**document, **changes}, tag)

    def asked(self, part: str) -> list[Request]:
        return [request for request in self.requests if part in request.path]


class _Handler(BaseHTTPRequestHandler):
    registry: Registry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(size))
        self.registry.requests.append(request)
        guarded = self.registry.guard(request) if self.registry.guard else Reply()
        if isinstance(guarded, Reply) and guarded.status == 200:
            path = self.path.partition("?")[0]
            act = self.registry.acts.get(path, lambda _: Reply(404))
            guarded = act(request)
        try:
            if isinstance(guarded, Reply):
                self._send(guarded)
            else:
                self._stream(guarded)
        except OSError:
            self.close_connection = True  # the client has had enough, or was killed

    def _send(self, reply: Reply) -> None:
        stated = len(reply.body) if reply.stated_size is None else reply.stated_size
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(stated))
        self.end_headers()
        for start in range(0, len(reply.body), _PIECE_BYTES):
            self.wfile.write(reply.body[start : start + _PIECE_BYTES])
            time.sleep(reply.piece_s)
        if stated != len(reply.body):
            self.close_connection = True

    def _stream(self, pieces: Iterator[bytes]) -> None:
        """A body without a stated size, which ends with the connection."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for piece in pieces:
            self.wfile.write(piece)

    def log_message(self, *_: object) -> None:
        return


def _ranged(request: Request, body: bytes, media_type: str) -> Reply:
    """`Range: bytes=N-` is honoured (RFC 9110 § 14)."""
    wanted = request.headers.get("range", "")
    if not wanted:
        return Reply(200, body, {"Content-Type": media_type})
    start = int(wanted.removeprefix("bytes=").removesuffix("-"))
    if start >= len(body):
        return Reply(416)
    stated = f"bytes {start}-{len(body) - 1}/{len(body)}"
    return Reply(206, body[start:], {"Content-Type": media_type, "Content-Range": stated})


@contextmanager
def registry(host: str = "127.0.0.1") -> Iterator[Registry]:
    served = Registry(host)
    try:
        yield served
    finally:
        served.close()
