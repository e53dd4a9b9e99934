"""Calls that the code can make and the runtime lacks are counted, or said to be unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dock2uk.model import Analysis, CallSite, ReachableCalls, SeenRun
from dock2uk.report.call_metrics import call_metrics
from dock2uk.runtime import SystemCall
from tests import values

SITES = {number: CallSite("/app", 0x1000, ()) for number in (0, 9, 101, 999)}
RUNTIME = replace(
    values.artifact().match.runtime,
    system_calls=(
        SystemCall(0, "read", "full", ""), SystemCall(9, "mmap", "partial", "no huge pages"),
        SystemCall(101, "ptrace", "none", "debugging"), SystemCall(102, "getuid", "none", ""),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("calls", "count", "evidence"),
    [
        (ReachableCalls(SITES), 2, ("ptrace: debugging", "call 999")),
        (ReachableCalls({}), 0, ()),
        (ReachableCalls(SITES, unbounded=("/app: a register",)), None, ()),
        (None, None, ()),
    ],
)
def test_what_is_lacking_is_what_code_can_call(
    calls: ReachableCalls | None, count: int | None, evidence: tuple[str, ...]
) -> None:
    analysis = Analysis({}, {}, (), (), calls=calls)
    _, found = call_metrics(analysis, RUNTIME, values.entrypoint())
    assert (found.before, found.after, found.evidence_after) == (None, count, evidence)


def test_nothing_is_known_where_code_was_not_looked_at() -> None:
    analysis = Analysis({}, {}, (), (), calls=ReachableCalls(SITES), unread="it executes others")
    assert call_metrics(analysis, RUNTIME, values.entrypoint())[1].after is None


def test_what_start_up_alone_called_goes_with_it() -> None:
    called = {
        "/bin/sh": frozenset((0, 9, 102, 999)), "/bin/id": frozenset((102,)),
        "/app": frozenset((0, 101)), "/helper": frozenset((9,)),
    }  # fmt: skip
    program = values.entrypoint(exe="/app", children=("/helper",))
    seen = SeenRun(None, None, None, None, (), called)
    found, _ = call_metrics(Analysis({}, {}, (), ()), RUNTIME, replace(program, seen=seen))
    assert (found.before, found.after) == (5, 3)
    assert found.evidence_before == ("getuid: /bin/sh, /bin/id", "call 999: /bin/sh")
    assert found.evidence_after == ("read", "mmap", "ptrace")
    unseen, _ = call_metrics(Analysis({}, {}, (), ()), RUNTIME, program)
    assert (unseen.before, unseen.after) == (None, None)
