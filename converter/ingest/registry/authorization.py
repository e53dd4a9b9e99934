"""The Authorization header for one repository: none, Basic, or a Bearer token.

Tokens are had as the distribution project's token specification says: a GET of the realm, with
credentials if there are some, or with an identity token a POST as OAuth 2 has it (RFC 6749 § 6).

The realm is the registry's to name, so a hostile or broken-into registry could name its own. It
must be https, unless the registry is used without TLS itself. Credentials go to it only when its
host is the registry's, one below or above it, or the one known for it (`_KNOWN_REALMS`); or when
the user keeps credentials for that host itself. Others are asked without credentials, as whoever
only reads public images needs none.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from ...errors import SourceError
from ..manifest import parse
from . import credentials
from .challenge import Challenge
from .credentials import Credentials
from .transport import Answer, Transport, UnavailableError, host_of, printable, retry_after_s

# Realms elsewhere that a registry's own pages name.
_KNOWN_REALMS = {
    "registry-1.docker.io": "auth.docker.io",
    "registry.redhat.io": "sso.redhat.com",
    "registry.connect.redhat.com": "sso.redhat.com",
    "docker.elastic.co": "docker-auth.elastic.co",
}
_CLIENT = "dock2uk"
_TOKEN_CHARACTERS = 64 << 10
_BUSY = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Realm:
    """Where tokens are given, and whether credentials may go there."""

    url: str
    host: str
    is_trusted: bool


class Authorization:
    """What this repository's requests carry; threads share it."""

    def __init__(self, transport: Transport, registry: str, host: str, repository: str) -> None:
        self._transport = transport
        self._registry = registry  # as the user names it, which credentials are filed under
        self._host = host
        self._repository = repository
        self._header = ""
        self._lock = threading.Lock()

    @property
    def header(self) -> str:
        """The value of the Authorization header; empty for none."""
        return self._header

    def renew(self, refused: str, challenges: tuple[Challenge, ...]) -> bool:
        """Answer a 401 to a request that carried `refused`; whether to make it again."""
        with self._lock:
            if self._header != refused:
                return True  # another thread has done it
            header = self._answered(challenges)
            is_new = header not in ("", refused)
            self._header = header
            return is_new

    def _answered(self, challenges: tuple[Challenge, ...]) -> str:
        for challenge in challenges:
            if challenge.scheme == "bearer":
                return self._bearer(challenge)
        kept = credentials.find(self._registry, self._repository)
        has_basic = any(challenge.scheme == "basic" for challenge in challenges)
        return kept.basic if has_basic and kept and kept.user else ""

    def _bearer(self, challenge: Challenge) -> str:
        realm = self._realm(challenge)
        query = {"scope": _pull_only(challenge.parameters.get("scope"), self._repository)}
        if service := challenge.parameters.get("service"):
            query["service"] = service
        kept = self._credentials_for(realm)
        answer = self._ask(realm, query, kept)
        if answer.status in _BUSY:
            after_s = retry_after_s(answer.headers.get("retry-after", ""))
            raise UnavailableError(f"{realm.host}: status {answer.status}", after_s=after_s)
        if answer.status != 200:
            raise self._refused(realm, answer, kept)
        return f"Bearer {_token(realm, answer)}"

    def _realm(self, challenge: Challenge) -> Realm:
        import httpx

        text = challenge.parameters.get("realm", "")
        try:
            url = httpx.URL(text)
            host = host_of(url)
        except (httpx.InvalidURL, UnicodeError):
            url, host = httpx.URL(), ""
        schemes = ("https", "http") if self._transport.is_insecure(self._host) else ("https",)
        if url.scheme not in schemes or not host or url.userinfo:
            raise SourceError(
                f"{self._host} sends for a token to {printable(text)!r}, "
                f"which is not {' or '.join(schemes)}: nothing was sent there",
                hint="ask whoever runs the registry; its name may be misspelt",
            )
        return Realm(str(url), host, _is_of(url.host, name_of(self._host)))

    def _credentials_for(self, realm: Realm) -> Credentials | None:
        if realm.is_trusted:
            return credentials.find(self._registry, self._repository)
        return credentials.find(realm.host, "")

    def _ask(self, realm: Realm, query: dict[str, str], kept: Credentials | None) -> Answer:
        if kept is not None and kept.identity_token:
            form = {**query, "grant_type": "refresh_token", "client_id": _CLIENT}
            form["refresh_token"] = kept.identity_token
            return self._transport.fetch("POST", realm.url, data=form)
        headers = {"Authorization": kept.basic} if kept else {}
        import httpx

        url = httpx.URL(realm.url).copy_merge_params(query)
        return self._transport.fetch("GET", str(url), headers=headers)

    def _refused(self, realm: Realm, answer: Answer, kept: Credentials | None) -> SourceError:
        is_withheld = not realm.is_trusted and credentials.find(self._registry, self._repository)
        hint = f"log in: docker login {self._registry}, or skopeo login {self._registry}"
        if is_withheld:
            hint = (
                f"credentials for {self._registry} do not go to {realm.host}, which is another "
                f"host; if you trust it, log in there too: skopeo login {realm.host}"
            )
        elif kept is not None:
            hint = f"the credentials kept for {self._registry} are refused: log in again"
        problem = f"{realm.host} gives no token for {self._registry}/{self._repository}"
        return SourceError(f"{problem}: status {answer.status}", hint=hint)


def name_of(host: str) -> str:
    """A host without its port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _is_of(realm: str, registry: str) -> bool:
    """Whether what `registry` was told may be told to `realm` (names without ports)."""
    if realm == registry or _KNOWN_REALMS.get(registry) == realm:
        return True
    is_below = realm.endswith(f".{registry}") or registry.endswith(f".{realm}")
    return is_below and "." in realm and "." in registry


def _pull_only(asked: str | None, repository: str) -> str:
    """The scope that the registry asks for, without the right to do more than read."""
    own = f"repository:{repository}:pull"
    kept = [":".join([*one.split(":")[:-1], "pull"]) for one in (asked or "").split() if ":" in one]
    return kept[0] if kept and kept[0].startswith("repository:") else own


def _token(realm: Realm, answer: Answer) -> str:
    document: dict[str, Any] = parse(f"the token of {realm.host}", answer.body)
    token = document.get("token") or document.get("access_token")
    is_text = isinstance(token, str) and 0 < len(token) <= _TOKEN_CHARACTERS
    if not is_text or not str(token).isascii() or not str(token).isprintable() or " " in str(token):
        raise SourceError(f"{realm.host} answers without a token that can be used")
    return str(token)
