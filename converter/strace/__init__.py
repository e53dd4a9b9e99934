"""strace: what a guest's system calls were, as strace(1) writes it, from the kernel's records.

`runtimes/husk/signatures.tbl` says what the arguments are; `plan` makes the kernel's option of it,
and `printer` text of what comes back. Nothing here boots anything: `verify.run` brings the events.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from ..errors import Dock2ukError
from ..runtime import Runtime
from . import events, filters, plan, records, signature, sockets, structures, values
from .observer import Observer
from .printer import Printer, Stamp, Style

__all__ = ["Observer", "Stamp", "Style", "Tracer"]

# These fill the registry of types by being imported.
_TYPES = (events, sockets, structures, values)


class Tracer:
    """Traces one guest of `runtime` to `output`."""

    def __init__(
        self, runtime: Runtime, output: TextIO, *, calls: str = "all", style: Style | None = None
    ) -> None:
        style = style or Style()
        known = {
            call.number: signature.parse(call.number, call.name, call.signature)
            for call in runtime.system_calls
        }
        wanted = filters.numbers(calls, known)
        self.kernel_words = (f"strace={plan.option(known, wanted, style.text_limit)}",)
        self._output = output
        self._printer = Printer(self._write, known, style)
        self._is_writable = True

    def take(self, name: str, value: str) -> None:
        """An event of the guest, whatever it is about."""
        record = records.parse(name, value)
        if record is not None:
            self._printer.take(record)
            self._flush()  # a call that blocks is seen at once

    def close(self, reason: str | None = None) -> None:
        """There are no more events: the guest has ended, or `reason`, which the trace then ends
        with."""
        if self._is_writable:
            self._printer.close(reason)
            self._flush()

    def _write(self, text: str) -> None:
        with self._told():
            self._output.write(text)

    def _flush(self) -> None:
        with self._told():
            self._output.flush()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """A trace that cannot be written to its end says so."""
        try:
            yield
        except OSError as problem:
            self._is_writable = False
            raise Dock2ukError(
                f"cannot write the trace to {self._output.name}: {problem.strerror}",
                hint="the trace is not complete; --strace-filter makes it shorter",
            ) from problem
