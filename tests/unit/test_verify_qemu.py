"""The QEMU command line; nothing is started."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from dock2uk.errors import Dock2ukError
from dock2uk.verify import qemu
from dock2uk.verify.qemu import Forward, Guest, parse_forward

IMAGE = Path("/bundle/unikernel.elf")
CONSOLE = ("-serial", "stdio")


def option(command: tuple[str, ...], name: str) -> str:
    return command[command.index(name) + 1]


@pytest.mark.parametrize(
    ("text", "forward"),
    [
        ("8080:80", Forward("127.0.0.1", 8080, 80, "tcp")),
        ("8080:80/tcp", Forward("127.0.0.1", 8080, 80, "tcp")),
        ("5353:53/udp", Forward("127.0.0.1", 5353, 53, "udp")),
        ("0.0.0.0:8080:80", Forward("0.0.0.0", 8080, 80, "tcp")),
    ],
)
def test_forwards_are_written_as_docker_has_them(text: str, forward: Forward) -> None:
    assert parse_forward(text) == forward


@pytest.mark.parametrize(
    "text",
    [
        "", "80", ":80", "80:", "0:80", "80:65536", "-1:80", "80:80/sctp", "host:80:80",
        "::1:80:80", "1.2.3:80:80", "80:80,hostfwd=tcp::22-:22", "٨:80",
    ],
)  # fmt: skip
def test_what_is_no_forward_is_refused(text: str) -> None:
    with pytest.raises(Dock2ukError, match="not a port forward"):
        parse_forward(text)


@pytest.mark.parametrize("machine", qemu.MACHINES)
def test_a_command_has_nothing_it_was_not_asked_for(machine: str) -> None:
    forwards = (parse_forward("8080:80"), parse_forward("5353:53/udp"))
    guest = Guest(IMAGE, machine, "tcg", 96, forwards)
    command = qemu.command(guest, CONSOLE, events=None)
    assert option(command, "-machine").partition(",")[0] == machine
    assert option(command, "-m") == "96"
    assert option(command, "-kernel") == str(IMAGE)
    assert option(command, "-netdev") == (
        "user,id=net0,hostfwd=tcp:127.0.0.1:8080-:80,hostfwd=udp:127.0.0.1:5353-:53"
    )
    assert {"-nodefaults", "-no-reboot"} <= set(command)
    assert "isa-debugcon" not in " ".join(command)


def test_the_control_channel_is_there_when_it_is_listened_to() -> None:
    command = qemu.command(Guest(IMAGE, "pc", "tcg", 64), CONSOLE, events=Path("/events"))
    assert "file,id=events,path=/events" in command
    assert "isa-debugcon,iobase=0xe9,chardev=events" in command


def test_signals_come_by_the_second_serial_port_when_there_is_somewhere_to_read_them() -> None:
    guest = Guest(IMAGE, "microvm", "tcg", 64)
    command = qemu.command(guest, CONSOLE, events=None, signals=Path("/signals"))
    assert "pipe,id=signals,path=/signals" in command
    assert "isa-serial,iobase=0x2f8,irq=3,chardev=signals" in command
    assert "signals" not in " ".join(qemu.command(guest, CONSOLE, events=None))


@pytest.mark.parametrize("machine", qemu.MACHINES)
def test_variables_are_in_the_boot_module_and_not_on_the_command_line(machine: str) -> None:
    guest = Guest(IMAGE, machine, "tcg", 64, environment=("NAME=value",))
    command = qemu.command(guest, CONSOLE, events=None, module=Path("/module"))
    assert option(command, "-initrd") == "/module"
    assert not re.search("NAME|value", " ".join(command) + qemu.by_hand(guest))
    assert "-initrd" not in qemu.command(guest, CONSOLE, events=None)


def test_a_boot_module_has_the_bytes_of_its_variables() -> None:
    assert qemu.boot_module(("A=b=c", "B=\udcff\n", "C=")) == b"HUSKENV1A=b=c\0B=\xff\n\0C=\0"
    with pytest.raises(Dock2ukError, match="NUL"):
        qemu.boot_module(("A=\0B=c",))


def test_microvm_has_its_network_device_on_mmio_and_the_others_on_pci() -> None:
    microvm = qemu.command(Guest(IMAGE, "microvm", "tcg", 64), CONSOLE, events=None)
    q35 = qemu.command(Guest(IMAGE, "q35", "tcg", 64), CONSOLE, events=None)
    assert "virtio-net-device,netdev=net0" in microvm
    assert "virtio-net-pci,netdev=net0,romfile=" in q35


def test_values_on_the_kernel_command_line_cannot_become_words() -> None:
    guest = Guest(IMAGE, "pc", "tcg", 64, hostname="a b=%")
    words = qemu.command_line(guest).split(" ")
    assert words[-1] == "hostname=a%20b%3D%25"
    assert words[0] == "ip=10.0.2.15/24"


def test_a_comma_in_the_image_path_does_not_add_options() -> None:
    image = Path("/bundles/a,b/unikernel.elf")
    command = qemu.command(Guest(image, "pc", "tcg", 64), CONSOLE, events=None)
    assert option(command, "-kernel") == str(image)


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(Dock2ukError, match="no machine 'virt'"):
        qemu.command(Guest(IMAGE, "virt", "tcg", 64), CONSOLE, events=None)


def test_the_suggested_command_is_for_a_machine_that_has_drivers() -> None:
    small = qemu.suggested_command(IMAGE, ("80/tcp",), 96, ("microvm",))
    assert "-machine microvm" in small
    assert "virtio-net-device" in small
    assert "-machine q35" in qemu.suggested_command(IMAGE, ("80/tcp",), 96, ("q35",))
    assert "-machine" not in qemu.suggested_command(IMAGE, ("80/tcp",), 96)


def test_the_suggested_command_can_be_pasted_without_privileges() -> None:
    words = shlex.split(qemu.suggested_command(IMAGE, ("80/tcp", "8443/tcp"), 96))
    assert words[words.index("-kernel") + 1] == "unikernel.elf"
    network = words[words.index("-netdev") + 1]
    assert "hostfwd=tcp:127.0.0.1:8080-:80" in network
    assert "hostfwd=tcp:127.0.0.1:8443-:8443" in network
