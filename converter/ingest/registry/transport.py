"""HTTP as registries need it: bounded bodies, bounded patience, no credentials of its own.

Redirects are not followed here, for who follows them must know which headers may go along. The
httpx library honours HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ... import __version__
from ...errors import SourceError
from .. import limits
from . import trust

if TYPE_CHECKING:
    import httpx

Result = TypeVar("Result")

_CONNECT_S = 15.0
_SILENCE_S = 30.0  # without a byte
_BODY_S = 120.0  # for a whole manifest or token: a body that drips is no better than a silent one
# Of a connection at once: with httpcore's own 64 KiB, Python takes longer than a fast registry.
_READ_BYTES = 1 << 20
_SHOWN_CHARACTERS = 300  # of what a server says in an error


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is made again, and after how long. Pauses double."""

    attempts: int = 5
    unconnected_attempts: int = 2  # where nobody listens, or no name is known
    first_pause_s: float = 0.5
    longest_pause_s: float = 60.0  # also of what Retry-After may ask for


PATIENCE = Patience()


class UnavailableError(Exception):
    """It may go well the next time: the connection broke, or the server is busy."""

    def __init__(self, problem: str, *, after_s: float = 0.0, is_connected: bool = True) -> None:
        super().__init__(problem)
        self.after_s = after_s
        self.is_connected = is_connected


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that was read to its end."""

    status: int
    headers: Mapping[str, str]  # names in small letters
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Transport:
    """Connections to hosts, kept open and shared by threads; one TLS configuration for each."""

    def __init__(self, insecure_hosts: frozenset[str]) -> None:
        self._insecure_hosts = insecure_hosts
        self._clients: dict[str, httpx.Client] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def is_insecure(self, host: str) -> bool:
        """Whether plain HTTP and unverified TLS will do for this HOST[:PORT]."""
        return host in self._insecure_hosts or trust.is_loopback(host)

    @contextmanager
    def open(self, method: str, url: str, **details: Any) -> Iterator[httpx.Response]:
        """A response whose body is still to be read; UnavailableError when there is none."""
        import httpx

        address = httpx.URL(url)
        host = host_of(address)
        try:
            with self._client(host).stream(method, address, **details) as response:
                yield response
        except httpx.ConnectError as problem:
            raise _unconnected(host, problem) from problem
        except httpx.TransportError as problem:
            shown = str(problem) or type(problem).__name__
            raise UnavailableError(f"{host}: {shown}") from problem
        except httpx.DecodingError as problem:
            raise SourceError(f"{host}: {problem}") from problem

    def fetch(self, method: str, url: str, **details: Any) -> Answer:
        """The same with the body, of a size that metadata may have."""
        with self.open(method, url, **details) as response:
            return read(response)

    def _client(self, host: str) -> httpx.Client:
        import httpcore
        import httpx

        httpcore.HTTP11Connection.READ_NUM_BYTES = _READ_BYTES
        with self._lock:
            if host not in self._clients:
                context = trust.tls_context(host, is_verified=not self.is_insecure(host))
                timeout = httpx.Timeout(_SILENCE_S, connect=_CONNECT_S)
                # Bodies are wanted as they are stored: a digest is of those bytes.
                headers = {"User-Agent": f"dock2uk/{__version__}", "Accept-Encoding": "identity"}
                try:
                    client = httpx.Client(verify=context, timeout=timeout, headers=headers)
                except (ImportError, ValueError, httpx.InvalidURL) as problem:
                    hint = (
                        "HTTP_PROXY, HTTPS_PROXY and ALL_PROXY may name http:// and https:// ones"
                    )
                    raise SourceError(f"a proxy cannot be used: {problem}", hint=hint) from problem
                self._clients[host] = client
            return self._clients[host]


def host_of(url: httpx.URL) -> str:
    """HOST[:PORT] of a URL, as registries are named."""
    return url.netloc.decode("ascii").lower()


def read(response: httpx.Response) -> Answer:
    """The whole of a response that should be short."""
    body = bytearray()
    ends_s = time.monotonic() + _BODY_S
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > limits.METADATA_BYTES:
            raise SourceError(f"{response.url}: more than {limits.METADATA_BYTES} bytes of answer")
        if time.monotonic() > ends_s:
            raise UnavailableError(f"{response.url}: not answered in full in {_BODY_S:g} s")
    return Answer(response.status_code, dict(response.headers), bytes(body))


def patiently(attempt: Callable[[], Result]) -> Result:
    """What `attempt` gives, made again while it is unavailable."""
    patience = PATIENCE
    pause_s = patience.first_pause_s
    for tried in range(1, patience.attempts + 1):
        try:
            return attempt()
        except UnavailableError as problem:
            most = patience.attempts if problem.is_connected else patience.unconnected_attempts
            if tried >= most or problem.after_s > patience.longest_pause_s:
                raise given_up(problem, tried) from problem
            time.sleep(max(pause_s, problem.after_s))
            pause_s = min(2 * pause_s, patience.longest_pause_s)
    raise AssertionError("the last attempt returns or raises")


def given_up(problem: UnavailableError, tried: int) -> SourceError:
    hint = "try again later: what was downloaded is kept"
    if isinstance(problem, NoTlsError):
        hint = f"if it is meant to be used without: --insecure-registry {problem.host}"
    elif problem.after_s:
        hint = f"it asks to wait {problem.after_s:.0f} s; logged in, the limit may be higher"
    elif not problem.is_connected:
        hint = "check the name, the network and HTTPS_PROXY"
    return SourceError(f"{problem} (tried {tried} times)", hint=hint)


def retry_after_s(value: str) -> float:
    """Seconds or a date (RFC 9110 § 10.2.3); 0 when it is neither."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def printable(text: str) -> str:
    """What a server says, for a message: bounded, and nothing a terminal would obey."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown[: 4 * _SHOWN_CHARACTERS].split())[:_SHOWN_CHARACTERS]


def _unconnected(host: str, problem: Exception) -> Exception:
    """Nobody there, which may pass; or somebody who cannot prove who he is, which does not."""
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return SourceError(
                f"{host}: its certificate cannot be believed: {cause.verify_message}",
                hint=f"put the authority's into {trust.user_directory() / host}/ca.crt, "
                f"or give --insecure-registry {host}",
            )
        if isinstance(cause, ssl.SSLError):
            return NoTlsError(host, str(cause.reason or cause))
        cause = cause.__cause__ or cause.__context__
    return UnavailableError(f"{host}: {problem}", is_connected=False)


class NoTlsError(UnavailableError):
    """The other side does not speak TLS: it may speak plain HTTP."""

    def __init__(self, host: str, problem: str) -> None:
        super().__init__(f"{host}: no TLS is spoken there: {problem}", is_connected=False)
        self.host = host
