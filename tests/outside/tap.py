"""A guest in a network of its own: a namespace with a TAP device, the guest at one end and
whoever speaks to it at the other.

QEMU's user-mode network, which is what all other tests have, hands on what came on several
connections in an order of its own. A test that writes to one connection after the other and counts
on that order fails by that; here nothing stands between.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dock2uk import tools
from dock2uk.verify import qemu

GUEST = "10.0.2.15"  # what qemu.NETWORK_WORDS tell it
IMPOSSIBLE = "/dev/net/tun cannot be opened in a namespace of our own here"
_DEVICE = "tap0"
_TUN = Path("/dev/net/tun")
_SET_UP = (
    "ip link set lo up && ip tuntap add {0} mode tap && ip address add 10.0.2.2/24 dev {0}"
    " && ip link set {0} up && echo ready && exec cat"
)
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--net")
_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")


def is_possible() -> bool:
    """Containers may be without the device, or not let anybody have a namespace."""
    command = ["env", "LC_ALL=C", *_NAMESPACE, "cat", _TUN]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "bad state" in done.stderr  # EBADFD: it could be opened (drivers/net/tun.c)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Where commands are run that see the guest at `GUEST`."""

    prefix: tuple[str, ...]
    guest: subprocess.Popen[bytes]


@contextmanager
def booted(image: Path, memory_mb: int, console: Path) -> Iterator[Neighbour]:
    """Boot `image`, its console written to a file, which is shown when the block fails. The guest
    is ended when the block is left."""
    with _namespace() as prefix:
        guest = qemu.Guest(image, "microvm", "tcg", memory_mb)
        words = list(qemu.command(guest, ("-serial", f"file:{console}"), events=None))
        network = f"tap,id=net0,ifname={_DEVICE},script=no,downscript=no"
        words[words.index("-netdev") + 1] = network
        process = subprocess.Popen(
            [*prefix, *_DIES_WITH_US, *words], stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield Neighbour(prefix, process)
        except BaseException:
            print(console.read_text(errors="replace")[-20_000:])
            raise
        finally:
            tools.end(process)


@contextmanager
def _namespace() -> Iterator[tuple[str, ...]]:
    """The words before a command that is to run in a new network namespace, which lasts as long
    as the `cat` in it has somebody to read from."""
    command = [*_NAMESPACE, "sh", "-c", _SET_UP.format(_DEVICE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"ready\n", "no network namespace with a TAP device"
        target = ("--user", "--net", "--preserve-credentials", "--target", str(keeper.pid))
        try:
            yield ("nsenter", *target, "--")
        finally:
            keeper.stdin.close()
