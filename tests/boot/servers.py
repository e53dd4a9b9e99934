"""What tests of real servers share: a guest that can be sent signals, by process, and whose console
can be waited on.

`dock2uk run` passes signals to the first process only; here they go to any, through the session.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dock2uk.verify import qemu, session
from tests.boot.served import PATIENCE_S, REPOSITORY, Answer, ask
from tests.guests import free_port

Bundles = Callable[[str], Path]

# What each needs; the rest of a machine's memory is its image.
MEMORY_MB: Mapping[str, int] = {"java-http": 640, "node-http": 384, "postgres": 768}


@dataclass(frozen=True, slots=True)
class Server:
    """A guest that runs, reached at `port` of this machine."""

    port: int
    console: Path
    session: session.Session

    def signal(self, number: int, pid: int = session.FIRST_PROCESS) -> None:
        self.session.signal(number, pid)

    def said(self, pattern: str, count: int = 1) -> list[str]:
        """What the first group of `pattern` was on the console, once it is there `count` times."""
        return wait_for(lambda: self._found(pattern, count), f"{count} times {pattern!r}")

    def _found(self, pattern: str, count: int) -> list[str] | None:
        found = re.findall(pattern, self.console.read_text(errors="replace"))
        return found if len(found) >= count else None

    def ends(self) -> int:
        """The status that the first process ends with."""
        events = self.session.events.until(time.monotonic() + PATIENCE_S)
        statuses = [event.exit_status for event in events if event.exit_status is not None]
        assert statuses, "the guest did not end"
        return statuses[-1]


def wait_for(find: Callable[[], list[str] | None], what: str) -> list[str]:
    """The first answer that is something; an error when none comes in time."""
    deadline_s = time.monotonic() + PATIENCE_S
    while (found := find()) is None:
        assert time.monotonic() < deadline_s, f"waited in vain for {what}"
        time.sleep(0.05)
    return found


@contextmanager
def server(bundles: Bundles, name: str, guest_port: int = 80) -> Iterator[Server]:
    """The image `name`, booted; its console is shown when the block fails."""
    forward = qemu.Forward("127.0.0.1", free_port(), guest_port, "tcp")
    memory_mb = MEMORY_MB.get(name, 256)
    image = bundles(name) / "unikernel.elf"
    guest = qemu.Guest(image, "microvm", "tcg", memory_mb, (forward,))
    with tempfile.TemporaryDirectory() as directory:
        console = Path(directory) / "console"
        with session.start(guest, ("-serial", f"file:{console}"), errors=None) as running:
            try:
                wait_until_listening(running, guest_port)
                yield Server(forward.host_port, console, running)
            except BaseException:
                print(f"$ {running.command}\n{console.read_text(errors='replace')[-20_000:]}")
                raise


def wait_until_listening(running: session.Session, guest_port: int) -> None:
    for event in running.events.until(time.monotonic() + PATIENCE_S):
        if (event.name, event.value) == ("ready", f"{guest_port}/tcp"):
            return
    raise AssertionError(f"nothing listens on port {guest_port}")


def page(name: str) -> bytes:
    return (REPOSITORY / "fixtures" / name / "index.html").read_bytes()


def header(answer: Answer, name: str) -> str:
    return dict(answer.headers)[name]


def assert_wrk_is_served(port: int, *, connections: int, seconds: int) -> int:
    """The requests that wrk(1) saw answered; none failed. The ports that QEMU forwards accept one
    connection at a time (libslirp listens with a backlog of one), so that of many at once some are
    made only when the client's kernel has tried for the fourth time: it is given the time."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "40s"]
    shown = run([*command, f"http://127.0.0.1:{port}/"], timeout_s=seconds + 30)
    assert "Socket errors" not in shown, shown
    assert "Non-2xx" not in shown, shown
    requests = re.search(r"(\d+) requests in", shown)
    assert requests is not None, shown
    assert int(requests[1]) > connections, shown
    return int(requests[1])


def run(command: list[str], *, timeout_s: float, **environment: str) -> str:
    """What a client of this machine says; it must succeed."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment} if environment else None,
    )
    assert done.returncode == 0, (command, done.stdout[-3000:], done.stderr[-3000:])
    return done.stdout


def get(server: Server, path: str = "/") -> Answer:
    return ask(server.port, path, timeout_s=PATIENCE_S)
