"""What every source comes down to: a configuration and the layers that belong to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SourceError
from ..model import ImageConfig, Origin
from . import digest, limits
from .blob import Blob

_NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image before its layers are read; `digest` is the image ID."""

    digest: str
    config: ImageConfig
    diff_ids: tuple[str, ...]
    layers: tuple[Blob, ...]
    history: tuple[str, ...]  # created_by of the history entries that have a layer
    origin: Origin = _NOWHERE

    def created_by(self, index: int) -> str:
        return self.history[index] if index < len(self.history) else ""


def assemble(
    name: str, config: bytes, layers: Sequence[Blob], origin: Origin = _NOWHERE
) -> Manifest:
    """The manifest of the image `name` from its configuration's bytes (image-spec config.md)."""
    document = parse(f"{name}: configuration", config)
    diff_ids = _diff_ids(name, document)
    if len(diff_ids) != len(layers):
        raise SourceError(
            f"{name}: the configuration lists {len(diff_ids)} layers, the image has {len(layers)}"
        )
    if len(layers) > limits.LAYERS:
        raise SourceError(f"{name}: more than {limits.LAYERS} layers")
    return Manifest(
        digest=digest.of_bytes(config),
        config=_image_config(name, document),
        diff_ids=diff_ids,
        layers=tuple(layers),
        history=_history(document),
        origin=origin,
    )


def parse(name: str, data: bytes) -> dict[str, Any]:
    """A JSON object, or a SourceError that says which one is broken."""
    document = parse_any(name, data)
    if not isinstance(document, dict):
        raise SourceError(f"{name} is not a JSON object")
    return document


def parse_any(name: str, data: bytes) -> Any:
    """Any JSON value whose texts are Unicode: half a surrogate pair could not be written again."""
    if len(data) > limits.METADATA_BYTES:
        raise SourceError(f"{name} is larger than {limits.METADATA_BYTES} bytes")
    try:
        document = json.loads(data)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as broken:
        raise SourceError(f"{name} is not JSON: {broken}") from broken
    return document


def strings(name: str, document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The list of texts under `key`; none of them can hold a NUL, which execve(2) would end at."""
    value = document.get(key) or []
    if not isinstance(value, list) or not all(map(_is_text, value)):
        raise SourceError(f"{name}: {key} is not a list of strings without NUL")
    return tuple(value)


def _diff_ids(name: str, document: Mapping[str, Any]) -> tuple[str, ...]:
    rootfs = document.get("rootfs")
    listed = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(listed, list):
        raise SourceError(f"{name}: the configuration has no rootfs.diff_ids")
    return tuple(digest.validated(one, of=f"{name}: diff_id") for one in listed)


def _history(document: Mapping[str, Any]) -> tuple[str, ...]:
    with_layer = (entry for entry in _entries(document) if not entry.get("empty_layer"))
    return tuple(str(entry.get("created_by", "")) for entry in with_layer)


def _entries(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = document.get("history")
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _image_config(name: str, document: Mapping[str, Any]) -> ImageConfig:
    config = document.get("config") or {}
    if not isinstance(config, dict):
        raise SourceError(f"{name}: the configuration's `config` is not an object")
    return ImageConfig(
        entrypoint=strings(name, config, "Entrypoint"),
        cmd=strings(name, config, "Cmd"),
        env=strings(name, config, "Env"),
        working_dir=_text(name, config, "WorkingDir") or "/",
        user=_text(name, config, "User"),
        exposed_ports=_keys(config, "ExposedPorts"),
        volumes=_keys(config, "Volumes"),
        stop_signal=_text(name, config, "StopSignal") or None,
        labels=_labels(name, config),
        created=str(document.get("created") or ""),
        history=tuple(str(entry.get("created_by", "")) for entry in _entries(document)),
        health_check=_texts(config.get("Healthcheck"), "Test"),
        on_build=_texts(config, "OnBuild"),
        architecture=str(document.get("architecture") or "amd64"),
        os=str(document.get("os") or "linux"),
    )


def _texts(document: object, key: str) -> tuple[str, ...]:
    """Those of a list that nothing is done with but look: what else is there is passed over."""
    listed = document.get(key) if isinstance(document, dict) else None
    return tuple(filter(_is_text, listed)) if isinstance(listed, list) else ()


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def _text(name: str, config: Mapping[str, Any], key: str) -> str:
    value = config.get(key) or ""
    if not _is_text(value):
        raise SourceError(f"{name}: the configuration's {key} is not a string without NUL")
    return str(value)


def _labels(name: str, config: Mapping[str, Any]) -> dict[str, str]:
    value = config.get("Labels") or {}
    if not isinstance(value, dict):
        raise SourceError(f"{name}: the configuration's Labels is not an object")
    return {key: str(label) for key, label in value.items()}


def _keys(config: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = config.get(key)
    return tuple(sorted(value)) if isinstance(value, dict) else ()
