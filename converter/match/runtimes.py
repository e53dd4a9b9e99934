"""Reads what runtimes there are: `runtimes/<name>/runtime.toml` and `capabilities.json`.

In a clone `runtimes/` lies beside the package's sources; a wheel carries it inside the package.
Nothing else about a runtime is read.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import Dock2ukError
from ..runtime import Driver, Library, Part, Runtime, SystemCall

_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (_PACKAGE / "runtimes", _PACKAGE.parent / "runtimes")
_CAPABILITIES_VERSION = 1
_MIB = 1 << 20


def load_runtimes() -> tuple[Runtime, ...]:
    """Every runtime there is, in name order."""
    manifests = [found for place in _PLACES for found in sorted(place.glob("*/runtime.toml"))]
    if not manifests:
        raise Dock2ukError(f"no runtime in {' or '.join(map(str, _PLACES))}")
    return tuple(load_runtime(manifest.parent) for manifest in manifests)


def load_runtime(directory: Path) -> Runtime:
    """The runtime that `directory` describes; its library may still have to be built."""
    return parse_runtime(
        directory,
        _read(directory / "runtime.toml"),
        _read(directory / "capabilities.json"),
    )


def parse_runtime(directory: Path, manifest_text: str, capabilities_text: str) -> Runtime:
    """A Runtime from the texts of its two files; raises when either is not understood."""
    try:
        manifest = tomllib.loads(manifest_text)
        capabilities = json.loads(capabilities_text)
        return _runtime(directory, manifest, capabilities)
    except (ValueError, KeyError, TypeError) as error:
        raise Dock2ukError(f"{directory}: runtime not understood: {error!r}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise Dock2ukError(f"cannot read {path}: {error.strerror}") from error


def _runtime(
    directory: Path, manifest: Mapping[str, Any], capabilities: Mapping[str, Any]
) -> Runtime:
    if capabilities["version"] != _CAPABILITIES_VERSION:
        raise ValueError(f"capabilities.json has version {capabilities['version']}")
    link, attackers = manifest["link"], manifest.get("attack", {}).get("programs")
    whole, *smaller = (_library(directory, table) for table in manifest["libraries"])
    return Runtime(
        name=manifest["name"],
        version=manifest["version"],
        directory=directory,
        library=whole.path,
        smaller_libraries=tuple(smaller),
        linker_script=directory / link["script"],
        elf_types=tuple(manifest["elf_types"]),
        system_calls=tuple(SystemCall(**call) for call in capabilities["system_calls"]),
        drivers=tuple(
            Driver(table["name"], tuple(table.get("machines", ()))) for table in manifest["drivers"]
        ),
        machines=tuple(manifest["machines"]),
        minimum_memory_bytes=manifest["limits"]["minimum_memory_mb"] * _MIB,
        parts=tuple(_part(part) for part in manifest.get("parts", ())),
        elf_machine=manifest["elf_machine"],
        components=tuple(map(_component, manifest.get("components", {}).get("cargo", ()))),
        attacker=_first_existing(directory, attackers) if attackers else None,
    )


def _library(directory: Path, table: Mapping[str, Any]) -> Library:
    return Library(
        path=_first_existing(directory, table["places"]),
        lacks=frozenset(table.get("lacks", ())),
    )


def _part(table: Mapping[str, Any]) -> Part:
    return Part(
        name=table["name"],
        calls=frozenset(table.get("calls", ())),
        objects=tuple(table.get("objects", ())),
        imports=frozenset(table.get("imports", ())),
        sockets=tuple(map(_socket, table.get("sockets", ()))),
        files=frozenset(table.get("files", ())),
    )


def _component(text: str) -> tuple[str, str]:
    name, version = text.split()
    return name, version


def _socket(row: list[int]) -> tuple[int, int | None]:
    """A family, and a type where only one is meant."""
    return row[0], row[1] if len(row) > 1 else None


def _first_existing(directory: Path, names: list[str]) -> Path:
    """When none exists, the first one: the one that a build makes."""
    candidates = [directory / name for name in names]
    return next((path for path in candidates if path.exists()), candidates[0])
