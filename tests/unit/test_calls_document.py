"""What `explain --syscall` says, from calls.json."""

from __future__ import annotations

import json

import pytest

from dock2uk import calls_document
from dock2uk.errors import Dock2ukError
from dock2uk.match import load_runtimes, match
from dock2uk.model import CallSite, ReachableCalls
from tests.unit.test_match import DYNAMIC, LOADER, analysis_of

_WAY = ("/usr/bin/app _start (is entered)", "/usr/bin/app main <- calls")


def explained(name: str, calls: ReachableCalls) -> str:
    (husk,) = (runtime for runtime in load_runtimes() if runtime.name == "husk")
    analysis = analysis_of(DYNAMIC, needed=(LOADER,))
    chosen = match(type(analysis)(**{**_fields(analysis), "calls": calls}), [husk])
    stored = json.loads(json.dumps(calls_document.document(calls, chosen)))
    return "\n".join(calls_document.explanation(stored, name))


def _fields(analysis: object) -> dict[str, object]:
    return {name: getattr(analysis, name) for name in analysis.__dataclass_fields__}  # type: ignore[attr-defined]


READS = ReachableCalls({0: CallSite("/usr/bin/app", 0x1234, _WAY)})


def test_a_way_that_reaches_a_call_is_shown() -> None:
    text = explained("read", READS)
    assert "read (0) is in the image" in text
    assert "/usr/bin/app at 0x1234" in text
    assert text.index(_WAY[0]) < text.index(_WAY[1])


def test_what_brings_a_call_back_is_shown() -> None:
    text = explained("openat", READS)
    assert "openat (257) is not in the image" in text
    assert "--keep-syscall openat" in text


def test_why_any_call_may_be_made_is_shown() -> None:
    calls = ReachableCalls({}, unbounded=("/lib/odd.so: the number at 0x10 is not known",))
    assert "/lib/odd.so: the number at 0x10" in explained("openat", calls)


def test_a_name_that_is_none_is_an_error_with_near_ones() -> None:
    with pytest.raises(Dock2ukError) as raised:
        explained("opnat", READS)
    assert "openat" in str(raised.value.hint)
