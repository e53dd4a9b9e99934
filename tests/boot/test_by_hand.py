"""unikernel.elf boots with nothing else: no dock2uk, and QEMU's own defaults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.boot.served import FIXTURES, get, started
from tests.guests import free_port

Bundles = Callable[[str], Path]


@pytest.mark.parametrize("processor", [(), ("-cpu", "max")], ids=["default", "max"])
@pytest.mark.parametrize("name", FIXTURES)
def test_the_command_of_the_readme(
    bundle: Bundles, name: str, processor: tuple[str, ...], tmp_path: Path
) -> None:
    port = free_port()
    command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "64", "-nographic"]
    command += ["-kernel", str(bundle(name) / "unikernel.elf")]
    command += ["-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{port}-:80"]
    command += ["-device", "virtio-net-pci,netdev=n0", *processor]
    with started(command, port, tmp_path / "console") as served:
        answer = get(served)
        assert (answer.status, answer.body) == (200, FIXTURES[name])
