"""How an image or a unikernel is started, by the names that OCI image-spec (config.md) has.

Values of secrets are not in it: whether one is another, the evidence of `secrets` tells.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ... import secrets
from ...model import ImageConfig

Settings = Mapping[str, tuple[str, ...]]

_DEFAULT_SIGNAL = "SIGTERM"  # docker's, where the image says nothing
_COMMANDS = ("Entrypoint", "Cmd", "argv")
_PAIRS = ("Env", "Labels")  # name=value
_SETS = ("ExposedPorts", "Volumes")


def of_config(config: ImageConfig) -> Settings:
    """Of an image; who runs it may say otherwise."""
    given = tuple(secrets.named(config.env).values())
    labels = (f"{name}={value}" for name, value in config.labels.items())
    return {
        "Entrypoint": _command(config.entrypoint, given),
        "Cmd": _command(config.cmd, given),
        "Env": _pairs(config.env),
        "User": (config.user,) if config.user else (),
        "WorkingDir": (config.working_dir,),
        "ExposedPorts": tuple(sorted(config.exposed_ports)),
        "Volumes": tuple(sorted(config.volumes)),
        "Labels": _pairs(labels),
        "StopSignal": (config.stop_signal or _DEFAULT_SIGNAL,),
    }


def of_entrypoint(entrypoint: Mapping[str, Any]) -> Settings:
    """Of a unikernel: one command line, and a user by number. It has no volumes and no labels."""
    number = entrypoint["stop_signal"]
    known = {int(one): one.name for one in signal.Signals}
    return {
        "argv": _command(entrypoint["argv"], ()),
        "Env": _pairs(entrypoint["env"]),
        "user and group": (f"{entrypoint['uid']}:{entrypoint['gid']}",),
        "WorkingDir": (entrypoint["cwd"],),
        "ExposedPorts": tuple(sorted(entrypoint["ports"])),
        "StopSignal": (known.get(number, str(number)),),
    }


def compared(first: Settings, second: Settings) -> list[dict[str, Any]]:
    """Each that either side has; null on the side that has no such thing."""
    return [
        {
            "name": name,
            "first": list(first[name]) if name in first else None,
            "second": list(second[name]) if name in second else None,
        }
        for name in dict.fromkeys((*first, *second))
    ]


def changes(settings: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """In words, what both sides have and have otherwise."""
    for one in settings:
        name, first, second = one["name"], one["first"], one["second"]
        if first is None or second is None or first == second:
            continue
        if name in _PAIRS:
            yield from _changed_pairs(name, _split(first), _split(second))
        elif name in _SETS:
            yield from (f"{name} new: {item}" for item in second if item not in first)
            yield from (f"{name} gone: {item}" for item in first if item not in second)
        else:
            yield f"{name}: {_told(name, first)}, then {_told(name, second)}"


def one_sided(settings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of what only one kind of side has."""
    return [one["name"] for one in settings if one["first"] is None or one["second"] is None]


def _command(words: Sequence[str], given: Iterable[str]) -> tuple[str, ...]:
    return tuple(secrets.masked(word, given) for word in secrets.masked_words(words))


def _pairs(entries: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(map(_without_secret, entries)))


def _without_secret(entry: str) -> str:
    """A value may be a secret, or options among which one is."""
    name, _, value = entry.partition("=")
    if secrets.reason(name, value) is not None:
        return f"{name}={secrets.MASK}"
    return f"{name}={' '.join(secrets.masked_words(value.split(' ')))}"


def _split(entries: Iterable[str]) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in entries)
    return {name: value for name, _, value in pairs}


def _changed_pairs(kind: str, first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[str]:
    for name, value in second.items():
        if name not in first:
            yield f"{kind} new: {name}={value}"
        elif first[name] != value:
            yield f"{kind} {name}: {first[name]}, then {value}"
    yield from (f"{kind} gone: {name}={first[name]}" for name in first if name not in second)


def _told(name: str, values: Sequence[str]) -> str:
    """A command as it is written in a Dockerfile."""
    if name in _COMMANDS:
        return json.dumps(values, ensure_ascii=False)
    return ", ".join(values) or "none"
