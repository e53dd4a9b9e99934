"""What tests of running bundles share: converting, `dock2uk run`, and what should be served."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.guests import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
DOCK2UK = (sys.executable, "-m", "dock2uk")
PATIENCE_S = 60.0  # TCG on a machine that does other things too

_C = b"<!DOCTYPE html>\n<title>static</title>\n<p>Served from memory.</p>\n"
_GO = b"<!DOCTYPE html>\n<title>static Go</title>\n<p>Served by net/http.</p>\n"
# The page that each sample image serves at /.
FIXTURES: Mapping[str, bytes] = {
    "nginx": (REPOSITORY / "fixtures" / "nginx" / "index.html").read_bytes(),
    "static-c": _C,
    "static-pie-c": _C,
    "dynamic-c": _C,
    "static-go": _GO,
}
# Converted without recipes.
AS_PACKAGED = ("nginx-workers",)
MACHINES = ("microvm", "q35", "pc")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; headers in order, without the date."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Served:
    """A guest that runs."""

    process: subprocess.Popen[bytes]
    port: int
    console: Path

    def end_status(self) -> int:
        return self.process.wait(PATIENCE_S)


def convert(name: str, output: Path) -> subprocess.CompletedProcess[str]:
    source = f"oci:{REPOSITORY / 'build' / 'fixtures' / name}"
    command = [*DOCK2UK, "convert", source, "-o", output, "--no-verify", "--json"]
    command += ["--no-recipe"] if name in AS_PACKAGED else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@contextmanager
def run(directory: Path, *options: str) -> Iterator[Served]:
    """`dock2uk run DIR -p …:80 OPTIONS`, told to stop when the block is left."""
    with run_on(80, directory, *options) as served:
        yield served


@contextmanager
def run_on(
    guest_port: int, directory: Path, *options: str, protocol: str = "tcp"
) -> Iterator[Served]:
    """The same for a guest that serves on another port."""
    port = free_port()
    published = ("-p", f"{port}:{guest_port}/{protocol}")
    command = [*DOCK2UK, "run", str(directory), *published, "--accel", "tcg", *options]
    with started(command, port, directory / f"console-{port}") as served:
        yield served


@contextmanager
def started(command: Sequence[str], port: int, console: Path) -> Iterator[Served]:
    """`command`, which boots a guest that serves on `port`, with its console in a file."""
    with console.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield Served(process, port, console)
    except BaseException:
        print(f"$ {' '.join(command)}\n{console.read_text(errors='replace')}")
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def get(served: Served, path: str = "/", method: str = "GET", **headers: str) -> Answer:
    """The answer once the guest serves. Until it does, QEMU accepts in its place, and what it then
    sends may be lost: so the first attempts give up soon."""
    deadline_s = time.monotonic() + PATIENCE_S
    timeout_s = 0.25
    while True:
        assert served.process.poll() is None, "the guest ended"
        try:
            return ask(served.port, path, method, timeout_s=timeout_s, **headers)
        except (OSError, http.client.HTTPException) as failure:
            if time.monotonic() > deadline_s:
                raise
            if isinstance(failure, TimeoutError):
                timeout_s = min(2 * timeout_s, 10)
            time.sleep(0.02)


def ask(
    port: int, path: str = "/", method: str = "GET", *, timeout_s: float = 10, **headers: str
) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        response = connection.getresponse()
        shown = tuple(pair for pair in response.getheaders() if pair[0] != "Date")
        return Answer(response.status, shown, response.read())
    finally:
        connection.close()


def ask_for_the_end(port: int, path: str) -> None:
    """Ask for a path after which there is no guest; it may end before its answer is out."""
    with suppress(OSError, http.client.HTTPException):
        ask(port, path)
