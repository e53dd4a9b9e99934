"""Debian's docker-registry on loopback for the time of a test, and skopeo to push to it.

With a password, with TLS of its own making, or with a token server beside it, as its configuration
(docs.docker.com, Configuring a registry) has them.
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench.registry import running
from tests.registries import Registry, Reply, Request

USER, PASSWORD = "user", "pass:word"
# bcrypt of PASSWORD, by `htpasswd -Bbn`: the only kind that the registry takes.
_PASSWORD_LINE = f"{USER}:$2y$05$mdVltd0j.eiMdqg6Xav3K.kFRd3EwkhDYwFoUxMVQymo2s5kh6Z9y\n"
_ISSUER, _SERVICE = "tests", "registry"


@dataclass(frozen=True)
class Served:
    address: str  # HOST:PORT
    directory: Path
    words: tuple[str, ...] = ()  # for skopeo

    def push(self, layout: Path, name: str, *words: str | Path) -> None:
        """The image, or with --all the whole index, as it is in the layout."""
        command = ["skopeo", "copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false"]
        command += [*self.words, *map(str, words)]
        target = f"docker://{self.address}/{name}"
        done = subprocess.run(
            [*command, f"oci:{layout}", target], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr

    @property
    def certificate(self) -> Path:
        return self.directory / "certificate.pem"


@contextmanager
def plain(directory: Path) -> Iterator[Served]:
    with running(directory) as address:
        yield Served(address, directory)


@contextmanager
def with_password(directory: Path) -> Iterator[Served]:
    (directory / "htpasswd").write_text(_PASSWORD_LINE)
    auth = {"htpasswd": {"realm": "tests", "path": str(directory / "htpasswd")}}
    with running(directory, auth=auth) as address:
        yield Served(address, directory, (f"--dest-creds={USER}:{PASSWORD}",))


@contextmanager
def with_tls(directory: Path) -> Iterator[Served]:
    key = _make_key(directory)
    tls = {"certificate": str(directory / "certificate.pem"), "key": str(key)}
    with running(directory, tls=tls) as address:
        yield Served(address, directory)


@contextmanager
def with_tokens(directory: Path, tokens: Registry) -> Iterator[Served]:
    """`tokens` becomes the token server: it signs what is asked for."""
    key = _make_key(directory)

    def act(request: Request) -> Reply:
        query = parse_qs(urlsplit(request.path).query)
        token = _signed(key, directory / "certificate.pem", query.get("scope", []))
        return Reply(body=json.dumps({"token": token}).encode())

    tokens.acts["/token"] = act
    auth = {
        "token": {
            "realm": f"http://{tokens.address}/token",
            "service": _SERVICE,
            "issuer": _ISSUER,
            "rootcertbundle": str(directory / "certificate.pem"),
        }
    }
    with running(directory, auth=auth) as address:
        yield Served(address, directory)


def _make_key(directory: Path) -> Path:
    """A key, and certificate.pem that it signs itself."""
    key = directory / "key.pem"
    names = "subjectAltName=IP:127.0.0.1"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=tests", "-addext", names, "-keyout", key, "-out", directory / "certificate.pem"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return key


def _signed(key: Path, certificate: Path, scopes: list[str]) -> str:
    """A JSON web token (RFC 7519) with what the scopes ask for."""
    lines = certificate.read_text().splitlines()
    header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(lines[1:-1])]}
    now_s = int(time.time())
    parts = [scope.split(":") for scope in scopes]
    claims = {
        "iss": _ISSUER, "sub": "", "aud": _SERVICE, "jti": "1",
        "exp": now_s + 60, "nbf": now_s - 60, "iat": now_s - 60,
        "access": [
            {"type": kind, "name": name, "actions": actions.split(",")}
            for kind, name, actions in parts
        ],
    }  # fmt: skip
    text = ".".join(_packed(json.dumps(part).encode()) for part in (header, claims))
    command = ["openssl", "dgst", "-sha256", "-sign", key]
    done = subprocess.run(command, input=text.encode(), check=True, capture_output=True)
    return f"{text}.{_packed(done.stdout)}"


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
