"""System calls that were seen, with start-up's apart, and those that the library OS lacks: a risk.

What is linked, and what is lacking, is decided by static facts: no run says what is never called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..model import Analysis, Entrypoint
from ..runtime import Runtime
from .metrics import Metric

_ABSENT = "none"  # a level of SystemCall


def call_metrics(
    analysis: Analysis, runtime: Runtime, entrypoint: Entrypoint
) -> tuple[Metric, ...]:
    return _seen(runtime, entrypoint), _not_implemented(analysis, runtime)


def _seen(runtime: Runtime, entrypoint: Entrypoint) -> Metric:
    """What only start-up needs goes with it: whoever filters calls of a container must allow it."""
    called = entrypoint.seen.called if entrypoint.seen is not None else {}
    own = own_calls(entrypoint)
    before = frozenset().union(*called.values())
    only_before = [
        f"{runtime.call_name(number)}: {', '.join(_callers(called, number))}"
        for number in sorted(before - (own or frozenset()))
    ]
    return Metric(
        "system_calls_seen", "system calls seen being made", "calls",
        None if own is None else len(before), None if own is None else len(own),
        "before: in a recorded run of the container, by its start-up and by the program until it "
        "rested, each program followed for its first 3,000 calls; after: of those the calls that "
        "the program made, and what it runs itself. More are linked in, for no run shows what is "
        "never called. Not known where none was recorded",
        tuple(only_before), tuple(map(runtime.call_name, sorted(own or ()))),
    )  # fmt: skip


def own_calls(entrypoint: Entrypoint) -> frozenset[int] | None:
    """What the program, and what it runs itself, was seen calling; None where none was recorded."""
    called = entrypoint.seen.called if entrypoint.seen is not None else {}
    stays = {entrypoint.exe, *entrypoint.children}
    own = [numbers for exe, numbers in called.items() if exe in stays]
    return frozenset().union(*own) if called else None


def _callers(called: Mapping[str, frozenset[int]], number: int) -> list[str]:
    return [exe for exe, numbers in called.items() if number in numbers]


def _not_implemented(analysis: Analysis, runtime: Runtime) -> Metric:
    """Not known where the calls that code can make are not bounded."""
    calls = analysis.calls
    is_known = calls is not None and not calls.unbounded and not analysis.unread
    lacking = tuple(_lacking(calls.sites, runtime)) if calls is not None and is_known else None
    return Metric(
        "system_calls_lacking", "system calls not implemented", "calls", None,
        None if lacking is None else len(lacking),
        "system calls that code of the program and its libraries can make and that "
        f"{runtime.name} answers with ENOSYS, linked or not; not known where code may make any",
        (), lacking or (),
    )  # fmt: skip


def _lacking(numbers: Iterable[int], runtime: Runtime) -> Iterator[str]:
    rows = {one.number: one for one in runtime.system_calls}
    for number in sorted(numbers):
        row = rows.get(number)
        if row is None:
            yield f"call {number}"
        elif row.level == _ABSENT:
            yield f"{row.name}: {row.note}" if row.note else row.name
