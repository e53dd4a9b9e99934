"""What an attack is, what its program said, and what that amounts to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Result(Enum):
    """What came of an attack."""

    ABSENT = "blocked by absence"  # what it needs is not in the image
    REFUSED = "blocked by the kernel"  # by an error, a call that is not linked, or a fault
    NOT_BLOCKED = "not blocked"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something an attacker tries who runs code in the program's place."""

    id: str  # as the attack program knows it
    name: str
    technique: str  # MITRE ATT&CK for Enterprise: "T1059.004"
    definition: str  # what is tried, and when that counts as not blocked


@dataclass(frozen=True, slots=True)
class Step:
    """What the attack program did, and what it got; None: it did not get so far as to say."""

    what: str  # "openat /bin/sh"
    returned: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What was seen of one attack."""

    steps: tuple[Step, ...] = ()
    is_achieved: bool = False
    status: int | None = None  # the program's exit status; None: it did not end
    fault: str = ""  # what the console says it died of: "SIGSEGV (the mapping forbids it)"
    panic: str = ""  # what the kernel died of


@dataclass(frozen=True, slots=True)
class Attempt:
    """A scenario and its result."""

    scenario: Scenario
    result: Result
    because: str
    seen: tuple[str, ...] = ()  # one line a step
