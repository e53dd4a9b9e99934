"""Lines as strace(1) writes them, of records as they come.

A line is begun when a call begins. When something else is to be told before it has returned, it
ends in `<unfinished ...>` and goes on later in one that begins with `<... NAME resumed>`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from . import constants, results
from .kinds import View, is_deferred, shown
from .memory import Memory
from .records import Call, Gone, Record, Return, Signal
from .signals import siginfo
from .signature import Argument, Signature, unknown

# Where `=` stands when what is before it is short (strace -a).
_RESULT_COLUMN = 40
# What begins so needs no comma before it: clone(2)'s results.
_OWN_COMMA = (" =>", ", ")
_NS_PER_S = 1_000_000_000
_NS_PER_US = 1000
_SIGKILL = 9
_NEW_THREADS = ("clone", "clone3", "fork", "vfork")


class Stamp(StrEnum):
    """What a line begins with."""

    none = "none"
    relative = "relative"
    clock = "clock"


@dataclass(frozen=True, slots=True)
class Style:
    """How lines look: strace's options -t, -T and -s."""

    stamp: Stamp = Stamp.none
    is_spent_shown: bool = False
    is_file: bool = False  # every line then begins with the thread
    text_limit: int = 32


@dataclass(frozen=True, slots=True)
class _Pending:
    """A call that has not returned."""

    view: View
    began_ns: int
    rest: tuple[Argument, ...]  # what is to be shown with the result
    needs_comma: bool  # before what is shown next


class Printer:
    def __init__(
        self, write: Callable[[str], object], signatures: Mapping[int, Signature], style: Style
    ) -> None:
        self._write = write
        self._signatures = signatures
        self._style = style
        self._pending: dict[int, _Pending] = {}
        self._threads: set[int] = set()
        self._open: int | None = None  # the thread whose line is not ended
        self._column = 0
        self._before_ns: int | None = None

    def take(self, record: Record) -> None:
        match record:
            case Call():
                self._begin(record)
            case Return():
                self._return(record)
            case Signal():
                self._signal(record)
            case Gone():
                self._gone(record)

    def close(self, reason: str | None) -> None:
        """End the line that is open; `reason` says why there are no more, if not for the end."""
        if self._open is not None:
            self._put(" <detached ...>\n" if reason else " <unfinished ...>\n")
            self._open = None
        if reason:
            self._put(f"+++ {reason} +++\n")

    def _begin(self, call: Call) -> None:
        self._threads.add(call.tid)
        self._lead(call.tid, call.time_ns)
        signature = self._signatures.get(call.number) or unknown(call.number)
        view = View(signature, call.registers, call.memory, text_limit=self._style.text_limit)
        first = next(
            (at for at, a in enumerate(signature.arguments) if is_deferred(view, a)),
            len(signature.arguments),
        )
        text, rest = _joined(view, signature.arguments[:first]), signature.arguments[first:]
        is_list_open = bool(text and rest) and not rest[0].type.startswith("clone_re")
        needs_comma = bool(text) and not is_list_open
        self._pending[call.tid] = _Pending(view, call.time_ns, rest, needs_comma)
        self._put(f"{signature.name}({text}{', ' * is_list_open}")
        self._open = call.tid

    def _return(self, returned: Return) -> None:
        pending = self._pending.pop(returned.tid, None)
        if pending is None:
            return
        view = replace(pending.view, after=returned.memory, result=returned.result)
        self._resume(returned.tid, returned.time_ns, view.signature.name)
        spent = f" <{_seconds(returned.time_ns - pending.began_ns)}>"
        self._finish(view, pending, spent if self._style.is_spent_shown else "")
        if view.signature.name in _NEW_THREADS and returned.result > 0:
            self._threads.add(returned.result)

    def _resume(self, tid: int, time_ns: int, name: str) -> None:
        if self._open != tid:
            self._lead(tid, time_ns)
            self._put(f"<... {name} resumed>")
        self._open = None

    def _finish(self, view: View, pending: _Pending, spent: str) -> None:
        rest = _joined(view, pending.rest)
        needs_comma = rest and pending.needs_comma and not rest.startswith(_OWN_COMMA)
        self._put(f"{', ' * bool(needs_comma)}{rest})")
        self._put(f"{' ' * max(_RESULT_COLUMN - self._column, 1)}= {results.shown(view)}{spent}\n")

    def _signal(self, signal: Signal) -> None:
        if signal.number == _SIGKILL:
            return
        self._lead(signal.tid, signal.time_ns)
        name = constants.signal(signal.number)
        self._put(f"--- {name} {siginfo(signal.number, signal.code, signal.words)} ---\n")

    def _gone(self, gone: Gone) -> None:
        pending = self._pending.pop(gone.tid, None)
        if pending is not None:
            self._resume(gone.tid, gone.time_ns, pending.view.signature.name)
            self._finish(replace(pending.view, after=Memory()), pending, self._no_time())
        self._lead(gone.tid, gone.time_ns)
        if os.WIFSIGNALED(gone.status):
            core = " (core dumped)" * os.WCOREDUMP(gone.status)
            self._put(f"+++ killed by {constants.signal(os.WTERMSIG(gone.status))}{core} +++\n")
        else:
            self._put(f"+++ exited with {os.WEXITSTATUS(gone.status)} +++\n")
        self._threads.discard(gone.tid)

    def _no_time(self) -> str:
        return " <unfinished ...>" if self._style.is_spent_shown else ""

    def _lead(self, tid: int, time_ns: int) -> None:
        """Begin a line, after ending the one of another thread."""
        if self._open is not None:
            self._put(" <unfinished ...>\n")
            self._open = None
        self._put(self._prefix(tid) + self._stamp(time_ns))
        self._column = 0

    def _prefix(self, tid: int) -> str:
        if self._style.is_file:
            return f"{tid:<5} "
        return f"[pid {tid:5}] " if len(self._threads | {tid}) > 1 else ""

    def _stamp(self, time_ns: int) -> str:
        before_ns, self._before_ns = self._before_ns, time_ns
        if self._style.stamp is Stamp.relative:
            return f"{_seconds(time_ns - (before_ns or time_ns)):>13} "
        if self._style.stamp is Stamp.clock:
            clock = time.strftime("%H:%M:%S", time.localtime(time_ns // _NS_PER_S))
            return f"{clock}.{time_ns % _NS_PER_S // _NS_PER_US:06} "
        return ""

    def _put(self, text: str) -> None:
        self._write(text)
        self._column += len(text)


def _joined(view: View, arguments: Sequence[Argument]) -> str:
    """Arguments with commas between, those left out that show nothing."""
    text = ""
    for argument in arguments:
        one = shown(view, argument)
        if one is not None:
            text += one if not text or one.startswith(_OWN_COMMA) else f", {one}"
    return text


def _seconds(time_ns: int) -> str:
    return f"{max(time_ns, 0) // _NS_PER_S}.{max(time_ns, 0) % _NS_PER_S // _NS_PER_US:06}"
