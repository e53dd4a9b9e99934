"""The one place that starts processes. On failure the exact command is shown, ready to paste."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .errors import ToolError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_LAST_LINES = 4  # of what a command that failed said
_GRACE_S = 20.0  # between asking a process to end and killing it
_DYING_S = 5.0  # what is killed is not gone at once
_POLL_S = 0.01


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


def ask(
    command: Sequence[str], question: str, *, timeout_s: float = 60
) -> subprocess.CompletedProcess[str]:
    """What a command answers to `question` on its standard input, with the status it ends with;
    ToolError when it is missing or takes too long. The question and the answer are never shown."""
    line = shown(command)
    try:
        return subprocess.run(
            command, input=question, timeout=timeout_s, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as missing:
        raise ToolError(f"{command[0]} is not installed (wanted for: {line})") from missing
    except subprocess.TimeoutExpired:
        raise ToolError(f"took more than {timeout_s:g} s: {line}") from None


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


def apart(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    modules: Sequence[str],
    *,
    timeout_s: float,
) -> Any:
    """What a function returns, as JSON values, from a process of its own that says nothing else;
    ToolError when it dies or takes too long. Such processes are forked from one that has loaded
    `modules` once for all of them, and is alone with itself: this one may have threads."""
    import multiprocessing  # for an audit alone

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*modules])
    answer, to_us = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(to_us, function, arguments), daemon=True)
    process.start()
    to_us.close()
    try:
        if not answer.poll(timeout_s):
            raise ToolError(f"took more than {timeout_s:g} s")
        return json.loads(answer.recv_bytes())
    except EOFError:
        process.join(_DYING_S)
        raise ToolError(f"ended with status {process.exitcode} before it had an answer") from None
    finally:
        process.kill()
        process.join()
        answer.close()


def _answer(to_us: Connection, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the terminal's, for us all: no traceback of it
    silence = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(silence, descriptor)
    to_us.send_bytes(json.dumps(function(*arguments)).encode())


@contextmanager
def answering(module: str) -> Iterator[Callable[[str], str]]:
    """A module run by a Python process of its own, which answers each line with one: a function
    that asks it, and has "" for an answer when it is dead. It is killed in the end."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    asking, answers = process.stdin, process.stdout
    assert asking is not None
    assert answers is not None

    def ask_it(line: str) -> str:
        try:
            asking.write(f"{line}\n")
            asking.flush()
            return answers.readline()
        except OSError:
            return ""

    try:
        yield ask_it
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):  # what it did not read
            asking.close()


def follow(
    command: Sequence[str], on_line: Callable[[str], None], *, environment: Mapping[str, str]
) -> None:
    """Run a command that takes as long as it takes, and hand on each line it says; ToolError when
    it fails. Interrupted, or left by an exception, it is asked to end as by a terminal's Ctrl-C,
    and killed with all that it started when it does not."""
    leash = require("setpriv", package="util-linux")
    last: deque[str] = deque(maxlen=_LAST_LINES)
    process = subprocess.Popen(
        [leash, "--pdeathsig", "INT", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        for data in process.stdout:
            line = data.decode(errors="replace").rstrip("\r\n")
            last.append(line)
            on_line(line)
        status = process.wait()
    except BaseException:
        _interrupt(process)
        raise
    if status != 0:
        said = "\n".join(last)
        raise ToolError(f"failed with status {status}: {shown(command)}\n{said}")


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Give it time to take away what it has begun. What it runs is asked first: `podman build` dies
    of a signal at once, and cleans up when what it runs has ended. What is left of all that after
    it has ended itself is killed: a container's first process, say, which no other signal ends."""
    started = _descendants(process.pid)
    for child in _children(process.pid):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGINT)
    if _children(process.pid):
        wait(process, _GRACE_S / 2)
    started |= _descendants(process.pid)
    process.send_signal(signal.SIGINT)
    wait(process, _GRACE_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pid, began in started.items():
        if _began(pid) == began:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    deadline_s = time.monotonic() + _DYING_S
    while any(_began(pid) == began for pid, began in started.items()):
        if time.monotonic() > deadline_s:
            return
        time.sleep(_POLL_S)


def _descendants(process: int) -> dict[int, str]:
    """Every process below it, with when it began: a number may be another's later."""
    found: dict[int, str] = {}
    pending = _children(process)
    while pending:
        pid = pending.pop()
        began = _began(pid)
        if began is not None and pid not in found:
            found[pid] = began
            pending += _children(pid)
    return found


def _began(process: int) -> str | None:
    """Its `starttime` (proc_pid_stat(5)); None when it is gone or only its status is left."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _children(process: int) -> list[int]:
    """proc_pid_task(5), `children`; none where the kernel does not tell."""
    lists = Path(f"/proc/{process}/task").glob("*/children")
    try:
        return [int(child) for one in lists for child in one.read_text().split()]
    except OSError:
        return []


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


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended, and what it printed on both of its outputs."""

    status: int
    output: str


def status_of(
    command: Sequence[str], environment: Mapping[str, str], *, timeout_s: float
) -> Ending:
    """The status a command ends with, whatever it is; ToolError when it is missing, cannot be
    executed or takes too long: it and what it started are killed then."""
    line = shown(command)
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as problem:
        raise ToolError(f"cannot execute {line}: {problem.strerror}") from problem
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise ToolError(f"took more than {timeout_s:g} s: {line}") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return Ending(process.returncode, output.decode(errors="replace"))


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
