"""The number of a StopSignal: "SIGQUIT", "QUIT", "3", "SIGRTMIN+3" (signal(7), x86-64)."""

from __future__ import annotations

import re
import signal

from ..errors import UnsupportedError

_DEFAULT = signal.SIGTERM  # docker's, where the image says nothing
# What glibc and docker mean by RTMIN: the kernel's 32 and 33 belong to the thread library.
_RTMIN, _RTMAX = 34, 64


def stop_signal_number(text: str | None) -> int:
    """The signal docker sends to stop this image."""
    if not text:
        return int(_DEFAULT)
    name = text.upper().removeprefix("SIG")
    number = int(name) if re.fullmatch(r"[0-9]{1,2}", name) else _named(name)
    if number is None or not 1 <= number <= _RTMAX:
        raise UnsupportedError((f"StopSignal {text!r} is no signal of Linux",))
    return number


def _named(name: str) -> int | None:
    real_time = re.fullmatch(r"RT(MIN|MAX)(?:([+-])(\d{1,2}))?", name)
    if real_time is None:
        known = signal.Signals.__members__.get(f"SIG{name}")
        return int(known) if known is not None else None
    base = _RTMIN if real_time[1] == "MIN" else _RTMAX
    offset = int(real_time[3] or 0)
    number = base - offset if real_time[2] == "-" else base + offset
    return number if _RTMIN <= number <= _RTMAX else None
