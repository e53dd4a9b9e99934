"""The image's own container, run by an engine as `docker run` would, its ports on loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from ..engines import Engine, connected
from ..errors import ImageNotFoundError, SourceError
from ..model import Image, Overrides

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Container:
    """A container that has been started."""

    addresses: dict[int, tuple[str, int]]  # port of the program -> where it is published
    own_address: str | None = None  # in its network, where nothing accepts for it


@contextmanager
def running(
    engine: Engine, image: Image, asked: Overrides, ports: Sequence[int]
) -> Iterator[Container]:
    """Start it, in a network of its own; container, network and its anonymous volumes are gone
    when the block is left. Dock2ukError when the engine does not answer or has not the image."""
    with connected(engine) as client, ExitStack() as undo:
        _require(client, engine, image)
        network = client.networks.create(f"dock2uk-{os.getpid()}-{os.urandom(4).hex()}")
        undo.callback(network.remove)
        made = client.containers.create(
            image.digest, _words(asked.cmd), **_options(asked, ports), network=network.name
        )
        undo.callback(made.remove, force=True, v=True)
        made.start()
        made.reload()
        networks = made.attrs["NetworkSettings"].get("Networks") or {}
        own = networks.get(network.name, {}).get("IPAddress") or None
        yield Container(_published(made, ports, engine), own)


def _require(client: Any, engine: Engine, image: Image) -> None:
    import docker.errors

    try:
        client.images.get(image.digest)
    except docker.errors.ImageNotFound as missing:
        raise ImageNotFoundError(f"{engine.name} does not have the image") from missing


def _options(asked: Overrides, ports: Sequence[int]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "environment": list(asked.env),
        "user": asked.user,
        "working_dir": asked.workdir,
        "ports": {f"{port}/tcp": (_LOOPBACK, None) for port in ports},
        "labels": {"dock2uk": "compare"},
    }
    if asked.entrypoint is not None:  # "" resets the image's, as docker's own command sends it
        options["entrypoint"] = list(asked.entrypoint) or [""]
    return options


def _words(cmd: tuple[str, ...] | None) -> list[str] | None:
    return None if cmd is None else list(cmd)


def _published(made: Any, ports: Sequence[int], engine: Engine) -> dict[int, tuple[str, int]]:
    given = made.attrs["NetworkSettings"]["Ports"] or {}
    found = {}
    for port in ports:
        bindings = given.get(f"{port}/tcp")
        if not bindings:
            status = made.attrs["State"]["ExitCode"]
            problem = f"{engine.name}: the container ended with status {status}"
            raise SourceError(problem)
        found[port] = (_LOOPBACK, int(bindings[0]["HostPort"]))
    return found
