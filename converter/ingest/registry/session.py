"""Requests for one repository at one place: authorised, redirected, and refused in words.

A redirect is followed by hand, for the Authorization header goes to the registry alone. Nothing is
retried here but a request that lacked a token.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...errors import ImageNotFoundError, SourceError
from . import challenge
from .authorization import Authorization, name_of
from .endpoints import Endpoint
from .transport import (
    Answer,
    NoTlsError,
    Transport,
    UnavailableError,
    host_of,
    printable,
    read,
    retry_after_s,
)  # fmt: skip

if TYPE_CHECKING:
    import httpx

_REDIRECTS = 5
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)
_RENEWALS = 2  # one for no token, one for a token that has run out
_BUSY = (408, 425, 429, 500, 502, 503, 504)


class NoSuchRangeError(UnavailableError):
    """There is no rest to be had: what was fetched is no beginning of it."""


class Session:
    """What is asked of an endpoint about its repository; threads share it."""

    def __init__(self, transport: Transport, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._transport = transport
        self._scheme = ""
        self._authorization = Authorization(
            transport, endpoint.registry, endpoint.host, endpoint.repository
        )

    def fetch(self, path: str, accept: str) -> Answer:
        """Metadata: `path` is below the repository, as manifests/TAG."""
        with self.open(path, {"Accept": accept}) as response:
            return read(response)

    @contextmanager
    def open(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """The answer 200 or 206 to a GET; UnavailableError to try again, SourceError to give up."""
        for _ in range(_RENEWALS + 1):
            carried = self._authorization.header
            with self._answered(path, headers, carried) as response:
                if response.status_code != 401 or not self._is_own(response):
                    self._require_good(response, path)
                    yield response
                    return
                challenges = challenge.parse(response.headers.get_list("www-authenticate"))
                refused = read(response)
            if not self._authorization.renew(carried, challenges):
                break
        raise self._forbidden(refused)

    @contextmanager
    def _answered(
        self, path: str, headers: Mapping[str, str], authorization: str
    ) -> Iterator[httpx.Response]:
        """The response at the end of all redirects."""
        own = url = self._url(path)
        for _ in range(_REDIRECTS + 1):
            carried = dict(headers)
            if authorization and _origin(url) == _origin(own):
                carried["Authorization"] = authorization
            with self._transport.open("GET", str(url), headers=carried) as response:
                if response.status_code not in _REDIRECT_STATUSES:
                    yield response
                    return
                url = self._redirected(response)
        raise SourceError(f"{self.endpoint.host} redirects more than {_REDIRECTS} times")

    def _is_own(self, response: httpx.Response) -> bool:
        """Whether the registry itself answers, and not where it sent us."""
        return host_of(response.url) == self.endpoint.host

    def _url(self, path: str) -> httpx.URL:
        import httpx

        if not self._scheme:
            self._scheme = self._settled_scheme()
        endpoint = self.endpoint
        return httpx.URL(f"{self._scheme}://{endpoint.host}/v2/{endpoint.repository}/{path}")

    def _settled_scheme(self) -> str:
        """TLS wherever it is spoken; plain HTTP only where that is allowed."""
        host = self.endpoint.host
        if self._transport.is_insecure(host):
            try:
                self._transport.fetch("GET", f"https://{host}/v2/")
            except UnavailableError as problem:
                # Without a port there are two of them: 443 may be closed and 80 open.
                has_one_port = host != name_of(host)
                if isinstance(problem, NoTlsError) or not (problem.is_connected or has_one_port):
                    return "http"
                raise
        return "https"

    def _redirected(self, response: httpx.Response) -> httpx.URL:
        import httpx

        stated = response.headers.get("location", "")
        try:
            url = response.url.join(stated)
        except (httpx.InvalidURL, ValueError):
            url = httpx.URL()
        schemes = ("https", "http") if self._scheme == "http" else ("https",)
        if url.scheme not in schemes or not url.host or "%" in url.host or not stated:
            raise SourceError(
                f"{self.endpoint.host} redirects to {printable(stated)!r}, which is not "
                f"{' or '.join(schemes)}"
            )
        return url.copy_with(username=None, password=None) if url.userinfo else url

    def _require_good(self, response: httpx.Response, path: str) -> None:
        status = response.status_code
        if status in (200, 206):
            return
        host = self.endpoint.host
        if status == 416:
            raise NoSuchRangeError(f"{host} does not have the rest of {self._shown(path)}")
        if status in (401, 403) and not self._is_own(response):
            # An address with a signature that has run out: the registry will give another.
            raise UnavailableError(f"{host_of(response.url)}: status {status}")
        if status in _BUSY:
            after_s = retry_after_s(response.headers.get("retry-after", ""))
            what = "too many requests" if status == 429 else f"status {status}"
            raise UnavailableError(f"{host}: {what}{_said(read(response))}", after_s=after_s)
        answer = read(response)
        if status == 404:
            raise ImageNotFoundError(f"{host} has no {self._shown(path)}{_said(answer)}")
        if status == 403:
            raise self._forbidden(answer)
        raise SourceError(
            f"{host} answers {status} when asked for {self._shown(path)}{_said(answer)}",
            hint="see that it is a registry, and that the name is right",
        )

    def _forbidden(self, answer: Answer) -> SourceError:
        registry = self.endpoint.registry
        return SourceError(
            f"{self.endpoint.host}: {self.endpoint.repository} is not there, or not for us to "
            f"read{_said(answer)}",
            hint=f"check the name, or log in: docker login {registry}, skopeo login {registry}",
        )

    def _shown(self, path: str) -> str:
        kind, _, version = path.partition("/")
        if kind != "manifests":
            return f"{path} of {self.endpoint.repository}"
        return f"{self.endpoint.repository}{'@' if ':' in version else ':'}{version}"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _said(answer: Answer) -> str:
    """What the registry says about it (distribution-spec § Error Codes), or what it is instead."""
    if answer.media_type == "text/html":
        return " (it answers with a web page: is it a registry?)"
    try:
        errors = json.loads(answer.body)["errors"]
        words = [f"{error.get('code', '')} {error.get('message', '')}" for error in errors]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return f" ({printable('; '.join(words))})" if words else ""
