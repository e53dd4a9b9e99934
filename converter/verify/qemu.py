"""The QEMU command line for a guest: machine, memory, network, console and control channel.

User-mode networking only: no privileges, no set-up on the host, and the guest's address is known
beforehand, so it is given on the kernel command line and DHCP is not waited for.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from .. import tools
from ..environment import require_fit
from ..errors import Dock2ukError

PROGRAM = "qemu-system-x86_64"
PACKAGE = "qemu-system-x86"
MACHINES = ("microvm", "q35", "pc")
LOOPBACK = "127.0.0.1"
# QEMU's user-mode network (qemu-doc, "Using the user mode network stack").
NETWORK_WORDS = ("ip=10.0.2.15/24", "gateway=10.0.2.2", "nameserver=10.0.2.3")
# The one place outside that a guest which is kept to itself can connect to.
OUTSIDE = "10.0.2.100:9"
# What the kernel writes its exit status and its events to.
EXIT_PORT = 0xF4
EVENT_PORT = 0xE9
# COM2, which the kernel reads signals from.
_SIGNALS_DEVICE = "isa-serial,iobase=0x2f8,irq=3,chardev=signals"
_MODULE_MAGIC = b"HUSKENV1"

# No PIT, PIC or option ROMs: husk uses the local APIC and the I/O APIC, and firmware that has
# less to look for starts sooner. The virtio transports are found at their fixed places, so QEMU
# need not name them on the command line.
_MACHINE_OPTIONS = {
    "microvm": "microvm,pit=off,pic=off,rtc=on,isa-serial=on,auto-kernel-cmdline=off",
    "q35": "q35,usb=off,vmport=off",
    "pc": "pc,usb=off,vmport=off",
}
_NEW_TRANSPORTS = ("-global", "virtio-mmio.force-legacy=false")
# Under TCG `rep movsb`, which ERMS advertises, is many times slower than plain loads and stores,
# and C libraries choose by that bit.
_PROCESSORS = {"tcg": "max,-erms", "kvm": "host"}


@dataclass(frozen=True, slots=True)
class Forward:
    """A port of the host that leads to one of the guest."""

    address: str
    host_port: int
    guest_port: int
    protocol: str  # "tcp" or "udp"


@dataclass(frozen=True, slots=True)
class Guest:
    """A kernel image and the machine to boot it on."""

    image: Path
    machine: str
    accelerator: str  # "tcg" or "kvm"
    memory_mb: int
    forwards: tuple[Forward, ...] = ()
    environment: tuple[
        str, ...
    ] = ()  # "NAME=value", over what is baked in; not on any command line
    hostname: str | None = None
    kernel_words: tuple[str, ...] = ()  # of the kernel's command line, as they are
    is_isolated: bool = False  # reaches nothing of the host or beyond


def parse_forward(text: str) -> Forward:
    """`HOST:GUEST[/udp]` or `ADDRESS:HOST:GUEST[/udp]`, as `docker run --publish` has it; without
    an address the port is open to this machine only."""
    ports, _, protocol = text.partition("/")
    *address, host_port, guest_port = ports.rsplit(":", 2) if ":" in ports else ("", "")
    try:
        where = ipaddress.IPv4Address(address[0] if address else LOOPBACK)
        numbers = _port_number(host_port), _port_number(guest_port)
        if protocol not in ("", "tcp", "udp"):
            raise ValueError(protocol)
    except ValueError as error:
        raise Dock2ukError(
            f"not a port forward: {text!r}", hint="write HOST:GUEST, ADDRESS:HOST:GUEST or …/udp"
        ) from error
    return Forward(str(where), *numbers, protocol or "tcp")


def _port_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        raise ValueError(text)
    return int(text)


def command(
    guest: Guest,
    console: Sequence[str],
    events: Path | None,
    signals: Path | None = None,
    module: Path | None = None,
) -> tuple[str, ...]:
    """The command that boots `guest`, with `console` as the options of its serial port; the
    control channel written to `events`, signals for its processes read from `signals`, and
    `module` (see `boot_module`) in its memory, when there are such files."""
    if guest.machine not in MACHINES:
        raise Dock2ukError(f"no machine {guest.machine!r}", hint=f"one of {', '.join(MACHINES)}")
    words = [PROGRAM, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]
    words += ["-machine", _MACHINE_OPTIONS[guest.machine], "-accel", guest.accelerator]
    words += ["-cpu", _PROCESSORS[guest.accelerator], "-m", str(guest.memory_mb)]
    words += ["-kernel", str(guest.image), "-append", command_line(guest), *console]
    words += ["-initrd", str(module)] if module is not None else []
    words += ["-netdev", ",".join(_network(guest)), "-device", _network_device(guest)]
    words += ["-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=4"]
    if guest.machine == "microvm":  # its virtio-mmio transports, in the non-legacy form only
        words += _NEW_TRANSPORTS
    if events is not None:
        words += ["-chardev", f"file,id=events,path={events}"]
        words += ["-device", f"isa-debugcon,iobase={EVENT_PORT:#x},chardev=events"]
    if signals is not None:
        words += ["-chardev", f"pipe,id=signals,path={signals}"]  # opened for both ways
        words += ["-device", _SIGNALS_DEVICE]
    return tuple(words)


def by_hand(guest: Guest) -> str:
    """What boots `guest` as we do, ready to paste: on standard output, without our control
    channel."""
    return tools.shown(command(guest, ("-serial", "stdio"), events=None))


def command_line(guest: Guest) -> str:
    """The kernel's words, with every value percent-encoded."""
    words = list(NETWORK_WORDS)
    if guest.hostname is not None:
        words.append(f"hostname={quote(guest.hostname, safe='')}")
    return " ".join((*words, *guest.kernel_words))


def boot_module(variables: Sequence[str]) -> bytes:
    """An environment as `runtimes/husk/src/boot/environment.rs` reads it."""
    require_fit(variables)
    text = "".join(f"{variable}\0" for variable in variables)
    return _MODULE_MAGIC + text.encode(errors="surrogateescape")


def _network(guest: Guest) -> Iterator[str]:
    yield from _network_backend(guest.forwards)
    if guest.is_isolated:
        yield f"restrict=on,guestfwd=tcp:{OUTSIDE}-null"


def _network_backend(forwards: Sequence[Forward]) -> Iterator[str]:
    yield "user,id=net0"
    for forward in forwards:
        source = f"{forward.protocol}:{forward.address}:{forward.host_port}"
        yield f"hostfwd={source}-:{forward.guest_port}"


def _network_device(guest: Guest) -> str:
    if guest.machine == "microvm":
        return "virtio-net-device,netdev=net0"
    # Without the boot ROM that firmware would start.
    return "virtio-net-pci,netdev=net0,romfile="


def suggested_command(
    image: Path, ports: Sequence[str], memory_mb: int, machines: Sequence[str] = MACHINES
) -> str:
    """What boots a bundle by hand in its directory, with its ports on the same ports of this
    machine, privileged ones moved up by 8000: for bundle.json and people, not for us."""
    is_usual = "pc" in machines  # what QEMU starts when nothing is said
    machine = () if is_usual else ("-machine", machines[0])
    words = [
        PROGRAM,
        *machine,
        "-accel",
        "tcg",
        "-m",
        str(memory_mb),
        "-nographic",
        "-kernel",
        image.name,
    ]
    numbers = [port.split("/") for port in ports]
    forwards = [Forward(LOOPBACK, int(n) + 8000 * (int(n) < 1024), int(n), p) for n, p in numbers]
    card = "virtio-net-device" if machine[1:] == ("microvm",) else "virtio-net-pci"
    words += ["-netdev", ",".join(_network_backend(forwards)), "-device", f"{card},netdev=net0"]
    words += _NEW_TRANSPORTS if card == "virtio-net-device" else ()
    return tools.shown(words)
