"""The severity that a CVSS 3 vector amounts to (FIRST, CVSS v3.1 Specification § 5 and 7).

Versions 2 and 4 are not computed.
"""

from __future__ import annotations

import math

from .values import Severity

_ATTACK = {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2}
_COMPLEXITY = {"L": 0.77, "H": 0.44}
_PRIVILEGES = {"N": 0.85, "L": 0.62, "H": 0.27}
_PRIVILEGES_CHANGED = {"N": 0.85, "L": 0.68, "H": 0.5}
_INTERACTION = {"N": 0.85, "R": 0.62}
_IMPACT = {"H": 0.56, "L": 0.22, "N": 0.0}
_RATINGS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM))


def severity(vector: str) -> Severity:
    """By the rating scale; UNKNOWN for what is no vector of version 3."""
    score = base_score(vector)
    if score is None:
        return Severity.UNKNOWN
    if score == 0:
        return Severity.NEGLIGIBLE
    return next((rating for least, rating in _RATINGS if score >= least), Severity.LOW)


def base_score(vector: str) -> float | None:
    if not vector.startswith("CVSS:3."):
        return None
    metrics = dict(part.partition(":")[::2] for part in vector.split("/")[1:])
    try:
        return _score(metrics, is_changed=metrics["S"] == "C")
    except KeyError:
        return None


def _score(metrics: dict[str, str], *, is_changed: bool) -> float:
    parts = (_IMPACT[metrics[name]] for name in ("C", "I", "A"))
    lost = 1 - math.prod(1 - part for part in parts)
    privileges = _PRIVILEGES_CHANGED if is_changed else _PRIVILEGES
    exploitability = 8.22 * math.prod(
        (
            _ATTACK[metrics["AV"]],
            _COMPLEXITY[metrics["AC"]],
            privileges[metrics["PR"]],
            _INTERACTION[metrics["UI"]],
        )
    )
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if is_changed else 6.42 * lost
    if impact <= 0:
        return 0.0
    factor = 1.08 if is_changed else 1.0
    return _rounded_up(min(factor * (impact + exploitability), 10))


def _rounded_up(value: float) -> float:
    """Appendix A: to one decimal, free of what floating point adds."""
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
