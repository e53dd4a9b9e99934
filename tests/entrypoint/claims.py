"""What an Entrypoint claims, against expect.toml: one list of what is wrong, for both ways."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from dock2uk.model import Entrypoint, Image
from tests.entrypoint.expectation import Changed, Expectation
from tests.entrypoint.observed import Names

# moby/oci/caps/defaults.go; names as in capabilities(7).
DEFAULT_CAPABILITIES = frozenset((
    "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
    "CAP_MKNOD", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP",
    "CAP_SETUID", "CAP_SYS_CHROOT",
))  # fmt: skip


def wrong_program(image: Image, expected: Expectation, claimed: Entrypoint) -> list[str]:
    """Of the program and the state it begins in, all but its environment."""
    program, names = expected.one_program, Names(image.tree)
    gid = names.gid(program.gid)
    pairs = {
        "exe": (claimed.exe, program.exe),
        "argv": (claimed.argv, program.argv),
        "cwd": (claimed.cwd, program.cwd),
        "uid": (claimed.uid, names.uid(program.uid)),
        "gid": (claimed.gid, gid),
        "groups": (set(claimed.groups) - {gid}, {names.gid(one) for one in program.groups}),
        "umask": (oct(claimed.umask), oct(program.umask)),
        "stop signal": (claimed.stop_signal, signal.Signals[program.stop_signal].value),
    }
    return _unequal(pairs)


def wrong_environment(claimed: Iterable[str], wanted: Mapping[str, str]) -> list[str]:
    """Of the variables; HOSTNAME is the container's."""
    env = dict(entry.split("=", 1) for entry in claimed)
    names = sorted({*env, *wanted} - {"HOSTNAME"})
    return _unequal({name: (env.get(name), wanted.get(name)) for name in names})


def wrong_surroundings(expected: Expectation, claimed: Entrypoint) -> list[str]:
    """Of what can be seen only by running: sockets, capabilities and limits."""
    program = expected.one_program
    capabilities = DEFAULT_CAPABILITIES if program.capabilities == "default" else frozenset()
    limits = {limit.name: (limit.soft, limit.hard) for limit in claimed.limits}
    return _unequal(
        {
            "listening": (set(claimed.listening), set(program.listening)),
            "capabilities": (set(claimed.capabilities), set(capabilities)),
            "limits": (limits, {name: tuple(both) for name, both in program.limits.items()}),
        }
    )


def _unequal(pairs: Mapping[str, tuple[object, object]]) -> list[str]:
    return [f"{what}: {a!r}, not {b!r}" for what, (a, b) in pairs.items() if a != b]


def baked(expected: Expectation) -> Expectation:
    """What is left of the changes when that which differs between two runs is not baked."""
    subjects = [one.subject for one in expected.differences]
    left_out = {path for one in expected.differences for path in (one.subject, *one.left_out)}
    kept = [change for change in expected.changes if change.path not in left_out]
    return replace(expected, changes=(*kept, *_directories(expected, subjects)), filled=())


def _directories(expected: Expectation, subjects: list[str]) -> Iterator[Changed]:
    """A directory whose files are left out stays, with its owner."""
    for one in expected.filled:
        assert f"{one.path}/" in subjects, "a filled directory is not the same in two runs"
        yield Changed(one.path, "changed", "directory", one.mode, one.owner)
