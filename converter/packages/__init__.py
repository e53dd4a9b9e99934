"""The bill of materials of an image: every package that its databases and files record.

Hostile input gives an `Unread`, never an exception and never silence. Nothing of the image is run,
and nothing outside of it is asked.
"""

from __future__ import annotations

from .copies import copies
from .crates import CARGO as CRATES
from .crates import crates
from .inventory import inventory
from .remains import states
from .system import ECOSYSTEMS as SYSTEM_ECOSYSTEMS
from .system import owners, system_packages, with_dependencies
from .values import Distribution, Gap, Inventory, Remains, State, Unread

__all__ = [
    "CRATES",
    "SYSTEM_ECOSYSTEMS",
    "Distribution",
    "Gap",
    "Inventory",
    "Remains",
    "State",
    "Unread",
    "copies",
    "crates",
    "inventory",
    "owners",
    "states",
    "system_packages",
    "with_dependencies",
]
