"""Attack scenarios: what is tried in the booted guest, and what came of each.

The attacks themselves are a program of the runtime; `verify` boots it and takes down what it says,
and `judge` reads a result out of that. Nothing is concluded of what was not tried.
"""

from __future__ import annotations

from .catalogue import SCENARIOS
from .values import Attempt, Record, Result, Scenario, Step
from .verdict import judge, not_run

__all__ = ["SCENARIOS", "Attempt", "Record", "Result", "Scenario", "Step", "judge", "not_run"]
