"""Where a repository is fetched from: its mirrors in order, then the registry itself.

Mirrors are those of the command line, then those of containers-registries.conf(5). Of that file's
version 2 the tables `[[registry]]` are used: `prefix` (a leading `*.` too), `location`, `insecure`,
`blocked`, `mirror-by-digest-only`, and in `[[registry.mirror]]` `location`, `insecure` and
`pull-from-mirror`. Not used: search lists, short names, credential helpers, version 1.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import SourceError
from ..options import SourceOptions
from ..reference import HUB, Name, is_registry, is_repository

_HUB_HOST = "registry-1.docker.io"  # where Docker Hub serves the protocol
_SYSTEM = Path("/etc/containers")
_FILE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A repository at a host; `registry` is what its credentials are filed under."""

    registry: str
    host: str
    repository: str
    is_insecure: bool = False


@dataclass(frozen=True, slots=True)
class _Rule:
    """A `[[registry]]` that fits the name."""

    prefix: str
    table: Mapping[str, Any]


def endpoints(name: Name, options: SourceOptions) -> tuple[Endpoint, ...]:
    """In the order to be tried, the registry itself last."""
    rule = _rule(f"{name.registry}/{name.repository}")
    table = rule.table if rule else {}
    if table.get("blocked"):
        raise SourceError(
            f"{name.registry}/{name.repository} is blocked by registries.conf on this machine"
        )
    given = [_mirror(text, name) for text in options.mirrors]
    listed = list(_listed_mirrors(rule, name)) if rule else []
    found = [one for one in given if one] + listed + [_itself(rule, name)]
    insecure = {host.lower() for host in options.insecure_registries}
    return tuple(
        Endpoint(one.registry, one.host, one.repository, one.is_insecure or one.host in insecure)
        for one in found
    )


def _endpoint(location: str, *, is_insecure: bool = False) -> Endpoint:
    """Of HOST[:PORT]/REPOSITORY."""
    registry, _, repository = location.partition("/")
    registry = registry.lower()
    if not is_registry(registry) or not is_repository(repository):
        raise SourceError(
            f"{location!r} is not where a registry has an image", hint="HOST[:PORT][/PATH]"
        )
    return Endpoint(registry, _HUB_HOST if registry == HUB else registry, repository, is_insecure)


def _mirror(text: str, name: Name) -> Endpoint | None:
    """`HOST[:PORT][/PATH]` is a mirror of Docker Hub, `REGISTRY=…` of another."""
    registry, separator, location = text.partition("=")
    if not separator:
        registry, location = HUB, text
    if registry.lower() != name.registry:
        return None
    return _endpoint(f"{location.rstrip('/')}/{name.repository}")


def _itself(rule: _Rule | None, name: Name) -> Endpoint:
    full = f"{name.registry}/{name.repository}"
    if rule is None:
        return _endpoint(full)
    location = rule.table.get("location")
    moved = _moved(full, rule, location) if location else full
    return _endpoint(moved, is_insecure=bool(rule.table.get("insecure")))


def _listed_mirrors(rule: _Rule, name: Name) -> Iterator[Endpoint]:
    full = f"{name.registry}/{name.repository}"
    for mirror in _tables(rule.table, "mirror"):
        only = str(mirror.get("pull-from-mirror") or "all")
        if rule.table.get("mirror-by-digest-only"):
            only = "digest-only"
        if only == ("tag-only" if name.digest else "digest-only"):
            continue
        moved = _moved(full, rule, mirror.get("location"))
        yield _endpoint(moved, is_insecure=bool(mirror.get("insecure")))


def _moved(full: str, rule: _Rule, location: object) -> str:
    """The name with the location in the place of what the prefix covers."""
    is_wild = rule.prefix.startswith("*.")  # then the location replaces the host
    covered = full.partition("/")[0] if is_wild else rule.prefix
    return f"{str(location).rstrip('/')}{full[len(covered) :]}"


def _rule(full: str) -> _Rule | None:
    """The longest prefix wins (containers-registries.conf(5) § NAMESPACED)."""
    rules = [
        _Rule(str(table.get("prefix") or table.get("location") or "").rstrip("/"), table)
        for table in _registries()
    ]
    fitting = [rule for rule in rules if _is_prefix(rule.prefix, full)]
    return max(fitting, key=lambda rule: len(rule.prefix), default=None)


def _is_prefix(prefix: str, full: str) -> bool:
    if prefix.startswith("*."):
        return full.partition("/")[0].endswith(prefix[1:])
    return bool(prefix) and (full == prefix or full.startswith(f"{prefix}/"))


def _registries() -> list[Mapping[str, Any]]:
    """Every `[[registry]]`; a later file's beats an earlier one's of the same prefix."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in _files():
        for table in _tables(_read(path), "registry"):
            found[str(table.get("prefix") or table.get("location"))] = table
    return list(found.values())


def _files() -> Sequence[Path]:
    named = os.environ.get("CONTAINERS_REGISTRIES_CONF")
    if named:
        return [Path(named)]
    user = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "containers"
    main = user if (user / "registries.conf").is_file() else _SYSTEM
    drop_ins = [
        path
        for base in (_SYSTEM, user)
        for path in sorted((base / "registries.conf.d").glob("*.conf"))
    ]
    return [main / "registries.conf", *drop_ins]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _FILE_BYTES:
            raise SourceError(f"{path} is larger than {_FILE_BYTES} bytes")
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise SourceError(f"{path} cannot be read: {problem}") from problem


def _tables(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = document.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
