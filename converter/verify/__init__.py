"""verify: the only stage that talks to a virtual machine monitor."""

from __future__ import annotations

from .attack import Attacks, attack
from .boot import Options, boot_and_probe, require_passed
from .qemu import suggested_command

__all__ = [
    "Attacks",
    "Options",
    "attack",
    "boot_and_probe",
    "require_passed",
    "suggested_command",
]
