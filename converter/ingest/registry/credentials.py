"""Whose credentials go to a registry: where docker, skopeo and podman keep them.

Looked up as containers-auth.json(5) has it: $REGISTRY_AUTH_FILE alone if it is set, else
${XDG_RUNTIME_DIR}/containers/auth.json, ~/.config/containers/auth.json, and docker's config.json.
In each: `credHelpers` for the host, `auths` from the longest namespace to the host, `credsStore`.
Nothing is written, and nothing found here is ever part of a message.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ... import tools
from ...errors import SourceError, ToolError
from ..reference import HUB

_HUB_KEYS = ("https://index.docker.io/v1/", HUB, "index.docker.io", "registry-1.docker.io")
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TOKEN_USER = "<token>"  # docker-credential-helpers: the secret is an identity token
_FILE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and password, or a refresh token of OAuth 2."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an Authorization header (RFC 7617)."""
        pair = f"{self.user}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()


def find(registry: str, repository: str) -> Credentials | None:
    """The first that are kept for this repository or what it is in."""
    for path in _files():
        document = _read(path)
        found = document and _in_file(path, document, registry, repository)
        if found:
            return found
    return None


def _files() -> Iterator[Path]:
    named = os.environ.get("REGISTRY_AUTH_FILE")
    if named:
        yield Path(named)
        return
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/containers/{os.getuid()}"
    yield Path(runtime) / "containers/auth.json"
    yield (
        Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "containers/auth.json"
    )
    yield Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > _FILE_BYTES:
            raise SourceError(f"{path} is larger than {_FILE_BYTES} bytes")
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as problem:
        # A JSON error quotes nothing of the text, which has passwords in it.
        raise SourceError(f"the credentials in {path} cannot be read: {problem}") from problem
    return document if isinstance(document, dict) else None


def _in_file(
    path: Path, document: Mapping[str, Any], registry: str, repository: str
) -> Credentials | None:
    helpers = _mapping(document, "credHelpers")
    for key in _keys(registry, repository):
        if key in helpers:
            return _from_helper(path, helpers[key], key)
    entries = {_plain(key): entry for key, entry in _mapping(document, "auths").items()}
    for key in _keys(registry, repository):
        found = _from_entry(path, entries.get(_plain(key)))
        if found:
            return found
    store = document.get("credsStore")
    if not store:
        return None
    return _from_helper(path, store, _HUB_KEYS[0] if registry == HUB else registry)


def _mapping(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _keys(registry: str, repository: str) -> tuple[str, ...]:
    """The longest namespace first, as containers-auth.json(5) has it."""
    parts = repository.split("/")
    spaces = [f"{registry}/{'/'.join(parts[:count])}" for count in range(len(parts), 0, -1)]
    return (*spaces, *(_HUB_KEYS if registry == HUB else (registry,)))


def _plain(key: str) -> str:
    """docker files some hosts as URLs: https://HOST/v1/."""
    bare = re.sub(r"^https?://", "", key)
    return bare.partition("/")[0] if bare != key else bare


def _from_entry(path: Path, entry: object) -> Credentials | None:
    if not isinstance(entry, dict):
        return None
    token = entry.get("identitytoken")
    packed = entry.get("auth")
    if not isinstance(packed, str) or not packed:
        if isinstance(token, str) and token:
            return Credentials(identity_token=token)
        user, password = entry.get("username"), entry.get("password")
        both = isinstance(user, str) and isinstance(password, str) and user
        return Credentials(str(user), str(password)) if both else None
    user, password = _unpacked(path, packed)
    if isinstance(token, str) and token:
        return Credentials(user, identity_token=token)
    return Credentials(user, password)


def _unpacked(path: Path, packed: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(packed, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as problem:
        raise SourceError(f"an `auth` in {path} is not base64 of USER:PASSWORD") from problem
    user, _, password = text.partition(":")
    return user, password.rstrip("\0")  # docker pads it


def _from_helper(path: Path, name: object, server: str) -> Credentials | None:
    """Ask docker-credential-NAME (docker-credential-helpers' protocol: the server on stdin)."""
    if not isinstance(name, str) or _HELPER.fullmatch(name) is None:
        raise SourceError(f"{path}: {name!r} is not the name of a credential helper")
    try:
        answer = tools.ask([f"docker-credential-{name}", "get"], server)
    except ToolError as problem:
        hint = f"install it, or take {name!r} out of {path}"
        raise SourceError(f"{path} names a credential helper: {problem}", hint=hint) from problem
    if answer.returncode != 0:
        # It says so on standard output, and nothing there is secret then.
        if "not found" in answer.stdout:
            return None
        said = (answer.stderr or answer.stdout).strip()[:200]
        raise SourceError(f"docker-credential-{name} gave no credentials for {server}: {said}")
    try:
        document = json.loads(answer.stdout)
        user, secret = str(document["Username"]), str(document["Secret"])
    except (ValueError, KeyError, TypeError):
        # The cause would quote the secret.
        raise SourceError(
            f"docker-credential-{name} gave no JSON with Username and Secret"
        ) from None
    if user == _TOKEN_USER:
        return Credentials(identity_token=secret)
    return Credentials(user, secret) if secret else None
