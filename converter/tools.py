"""The one place that starts processes. On failure the exact command is shown, ready to paste."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from .errors import ToolError


def require(program: str, *, package: str) -> str:
    """Path of `program`, or a ToolError naming the Debian package that has it."""
    path = shutil.which(program)
    if path is None:
        raise ToolError(f"{program} is not installed", hint=f"apt-get install {package}")
    return path


def run(
    command: Sequence[str | Path], *, cwd: Path | None = None, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run to completion and return its output; ToolError when it fails or takes too long."""
    words = [str(word) for word in command]
    line = shown(words)
    try:
        done = subprocess.run(
            words, cwd=cwd, timeout=timeout_s, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as missing:
        raise ToolError(f"{words[0]} is not installed (wanted for: {line})") from missing
    except subprocess.TimeoutExpired as slow:
        raise ToolError(f"took more than {timeout_s:g} s: {line}") from slow
    if done.returncode != 0:
        raise ToolError(f"failed with status {done.returncode}: {line}\n{done.stderr.strip()}")
    return done


def start(
    command: Sequence[str],
    *,
    pass_descriptors: Sequence[int] = (),
    errors: IO[bytes] | int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a long-running command that shares our standard output and some descriptors.

    It reads nothing, is out of reach of the terminal's signals (they are ours to handle), and is
    killed when we die in whatever way (PR_SET_PDEATHSIG, prctl(2), by way of setpriv(1)).
    """
    leash = require("setpriv", package="util-linux")
    return subprocess.Popen(
        [leash, "--pdeathsig", "KILL", *command],
        stdin=subprocess.DEVNULL,
        stderr=errors,
        pass_fds=pass_descriptors,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes]) -> int:
    """Kill `process` unless it has ended, wait for it, and return its status."""
    if process.poll() is None:
        process.kill()
    return process.wait()


def wait(process: subprocess.Popen[bytes], timeout_s: float) -> int | None:
    """The status `process` ends with, or None when it does not within `timeout_s`."""
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return None


def status_within(command: Sequence[str], *, timeout_s: float) -> int | None:
    """The status that a silent command ends with; None, and it is killed, when it takes longer."""
    process = start(command, errors=subprocess.DEVNULL)
    try:
        return wait(process, timeout_s)
    finally:
        end(process)


def shown(command: Sequence[str]) -> str:
    """A command as a shell takes it, ready to paste."""
    return shlex.join(command)
