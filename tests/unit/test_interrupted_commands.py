"""Commands that are followed and interrupted: nothing of them is left."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from dock2uk import tools


def test_what_ignores_being_asked_is_killed_though_it_has_a_session_of_its_own() -> None:
    """As a container's first process, which Ctrl-C does not end."""
    seconds = f"{300 + os.getpid() % 1000}.17"
    stubborn = f"trap '' INT TERM; sleep {seconds}"
    script = f'setsid sh -c "{stubborn}" & sleep 0.3; echo it has begun; wait'

    def stop(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tools.follow(["sh", "-c", script], stop, environment={})
    assert f"sleep\0{seconds}\0".encode() not in command_lines()


def command_lines() -> set[bytes]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.add(path.read_bytes())
    return found
