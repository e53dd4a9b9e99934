"""The container engines of this machine that speak docker's API: docker itself, and podman.

Docker is found as its own command finds it: DOCKER_CONTEXT, else DOCKER_HOST, else the context that
`docker context use` chose. Podman is found by CONTAINER_HOST, else by the sockets that its systemd
units make (podman-system-service(1)).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ImageNotFoundError, SourceError

_TIMEOUT_S = 300  # docker 20.10 makes all of an archive before it sends the first byte of it
_START_HINT = (
    "start it (`dockerd`, `systemctl start docker`), set DOCKER_HOST, "
    "or give docker-archive:FILE or oci:DIR"
)


@dataclass(frozen=True, slots=True)
class Engine:
    name: str  # "the Docker daemon"
    address: str  # empty: where docker's own command would look


DOCKER = Engine("the Docker daemon", "")


def available() -> list[Engine]:
    """Docker first, whether it answers or not; podman where it seems to be there."""
    return [DOCKER] + [Engine(f"podman at {one}", one) for one in _podman_addresses()]


def _podman_addresses() -> list[str]:
    if stated := os.environ.get("CONTAINER_HOST"):
        return [stated]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    directories = [runtime, f"/run/user/{os.getuid()}", "/run"]
    sockets = [Path(one) / "podman/podman.sock" for one in directories if one]
    return [f"unix://{path}" for path in dict.fromkeys(sockets) if path.is_socket()][:1]


@contextmanager
def connected(engine: Engine) -> Iterator[Any]:
    """docker's client, talking to `engine`; ImageNotFoundError when nobody answers there.

    What goes wrong later in the block is a SourceError: a daemon that ends is one of them.
    """
    # Imported here: no other source should pay for loading it.
    import docker.errors
    import requests
    import urllib3

    try:
        client = connect(engine)
    except (docker.errors.DockerException, requests.RequestException, OSError) as problem:
        raise ImageNotFoundError(f"{engine.name}: {problem}", hint=_START_HINT) from problem
    try:
        yield client
    except (
        docker.errors.DockerException,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        ConnectionError,
        TimeoutError,
    ) as problem:
        raise SourceError(
            f"{engine.name}: {_reason(problem)}", hint="see whether it still runs, and try again"
        ) from problem
    finally:
        client.close()


def connect(engine: Engine) -> Any:
    import docker

    if engine.address:
        return docker.DockerClient(base_url=engine.address, timeout=_TIMEOUT_S)
    if os.environ.get("DOCKER_HOST") and not os.environ.get("DOCKER_CONTEXT"):
        return docker.from_env(timeout=_TIMEOUT_S)
    return docker.DockerClient(timeout=_TIMEOUT_S, **_context())


def _context() -> dict[str, Any]:
    """Where the current context leads (docker-context(1))."""
    import docker.errors
    from docker.context import ContextAPI

    name = os.environ.get("DOCKER_CONTEXT")
    context = ContextAPI.get_context(name)
    if context is None:
        raise docker.errors.ContextNotFound(name or "that config.json names")
    tls = {"tls": context.TLSConfig} if context.TLSConfig else {}
    return {"base_url": context.Host, **tls}


def _reason(problem: Exception) -> str:
    """The innermost cause says most: urllib3 wraps it several times."""
    return str(problem) or type(problem).__name__
