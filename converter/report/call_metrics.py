"""System calls that the program's code can make and the library OS does not have: a risk.

By static facts, as for what is linked: no run says what is never called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model import Analysis
from ..runtime import Runtime
from .metrics import Metric

_ABSENT = "none"  # a level of SystemCall


def call_metrics(analysis: Analysis, runtime: Runtime) -> tuple[Metric, ...]:
    """Not known where the calls that code can make are not bounded."""
    calls = analysis.calls
    is_known = calls is not None and not calls.unbounded and not analysis.unread
    lacking = tuple(_lacking(calls.sites, runtime)) if calls is not None and is_known else None
    return (
        Metric(
            "system_calls_lacking", "system calls not implemented", "calls", None,
            None if lacking is None else len(lacking),
            "system calls that code of the program and its libraries can make and that "
            f"{runtime.name} answers with ENOSYS, linked or not; not known where code may make any",
            (), lacking or (),
        ),
    )  # fmt: skip


def _lacking(numbers: Iterable[int], runtime: Runtime) -> Iterator[str]:
    rows = {one.number: one for one in runtime.system_calls}
    for number in sorted(numbers):
        row = rows.get(number)
        if row is None:
            yield f"call {number}"
        elif row.level == _ABSENT:
            yield f"{row.name}: {row.note}" if row.note else row.name
