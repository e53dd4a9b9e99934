"""The platform an image is for (image-spec image-index.md § platform), and which one is wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import Dock2ukError

# Other names of the same things, as the containers' world normalises them: uname(2)'s for Go's.
_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "i386": ("386", ""),
    "i686": ("386", ""),
}
# The variant that a platform without one has, and the lowest there is. A processor runs what was
# made for lower ones: GOARM and GOAMD64 in Go's documentation, which gave the variants.
_USUAL_VARIANTS = {"arm64": 8, "arm": 7, "amd64": 1}
_LOWEST_VARIANTS = {"arm64": 8, "arm": 5, "amd64": 1}
_USUAL = ("linux", "amd64", "")  # of a configuration that does not say
_WORD = r"[A-Za-z0-9_.-]+"
_PLATFORM = re.compile(rf"({_WORD})/({_WORD})(?:/({_WORD}))?")


@dataclass(frozen=True, slots=True)
class Platform:
    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))

    def takes(self, offered: Platform) -> bool:
        """Whether an image for `offered` runs here."""
        return offered.full() in self.alternatives()

    def alternatives(self) -> tuple[Platform, ...]:
        """The platforms whose images run here, the best first."""
        full = self.full()
        number = full.variant.removeprefix("v")
        lowest = _LOWEST_VARIANTS.get(self.architecture)
        if lowest is None or not number.isdecimal():
            return (full,)
        down = range(int(number), min(lowest, int(number)) - 1, -1)
        return tuple(replace(full, variant=f"v{one}") for one in down)

    def full(self) -> Platform:
        """The same with its variant, where there are some."""
        usual = _USUAL_VARIANTS.get(self.architecture)
        return self if self.variant or usual is None else replace(self, variant=f"v{usual}")


DEFAULT = Platform("linux", "amd64")


def parse_platform(text: str) -> Platform:
    """ "linux/arm64", "linux/arm/v7"."""
    match = _PLATFORM.fullmatch(text)
    if match is None:
        raise Dock2ukError(
            f"{text!r} is not a platform", hint="give OS/ARCHITECTURE[/VARIANT]: linux/amd64"
        )
    return _normal(match[1], match[2], match[3] or "")


def of_descriptor(descriptor: Mapping[str, Any]) -> Platform | None:
    """What an index says its entry is for; None when it does not say."""
    stated = descriptor.get("platform")
    if not isinstance(stated, dict):
        return None
    return _normal(*(str(stated.get(key) or "") for key in ("os", "architecture", "variant")))


def of_config(document: Mapping[str, Any]) -> Platform:
    """What an image's configuration says it is for (image-spec config.md)."""
    words = (document.get("os"), document.get("architecture"), document.get("variant"))
    return _normal(*(str(word or usual) for word, usual in zip(words, _USUAL, strict=True)))


def _normal(os: str, architecture: str, variant: str) -> Platform:
    architecture = architecture.lower()
    named, usual = _ARCHITECTURES.get(architecture, (architecture, ""))
    return Platform(os.lower(), named, variant.lower() or usual)
