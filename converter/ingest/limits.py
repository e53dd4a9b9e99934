"""What an honest image stays below. A hostile one is refused before it fills memory or disk.

The constants follow from Linux and from what is held in memory; the `Limits` are for a user to
raise, for an honest image can be large.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from ..errors import Dock2ukError

LAYERS = 512
MEMBERS = 65_536  # of a docker archive
PATH_BYTES = 4096  # PATH_MAX
NAME_BYTES = 255  # NAME_MAX
DEPTH = 1024  # directories in a path
HELD_BYTES = 128 << 20  # names, link targets and attributes of all entries, which stay in memory
HEADER_BYTES = 4 << 20  # before one entry: PAX records, long names, maps of sparse files
METADATA_BYTES = 32 << 20  # a manifest, index or configuration

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


@dataclass(frozen=True, slots=True)
class Limits:
    """Those that a user can raise, by the names of the fields."""

    entries: int = 1_000_000  # of all layers together; half a GiB of memory
    layer_bytes: int = 64 << 30  # of one layer, compressed or not
    sparse_bytes: int = 1 << 30  # a sparse file, holes included: it is expanded in memory
    expansion: int = 200  # uncompressed bytes for one compressed: gzip reaches 1032 on zeros


DEFAULT = Limits()


def hint(field: str) -> str:
    """What to try when an image that is believed to be honest goes over a limit."""
    return f"if you trust the image, raise it: --limit {_option_name(field)}=N"


def raised(words: Iterable[str]) -> Limits:
    """The limits with those that `words` set: "layer-bytes=100G"."""
    limits = DEFAULT
    names = {_option_name(field.name): field.name for field in fields(Limits)}
    for word in words:
        name, _, value = word.partition("=")
        if name not in names:
            raise Dock2ukError(f"there is no limit {name!r}", hint=f"one of: {', '.join(names)}")
        limits = replace(limits, **{names[name]: _number(word, value)})
    return limits


def _option_name(field: str) -> str:
    return field.replace("_", "-")


def _number(word: str, value: str) -> int:
    match = re.fullmatch(r"([0-9]{1,18})([kmgt]?)", value.lower())
    if match is None or int(match[1]) == 0:
        raise Dock2ukError(
            f"the limit {word!r} has no number", hint="give one, as in layer-bytes=100G"
        )
    return int(match[1]) * _UNITS[match[2]]
