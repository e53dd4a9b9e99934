"""One vulnerability has names in several lists, and one advisory can be about several."""

from __future__ import annotations

from collections.abc import Iterable

_CVE = "CVE-"


def expanded(
    id_: str, aliases: Iterable[str], upstream: Iterable[str] = ()
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Name and aliases of each vulnerability that a record is about. `aliases` are the same thing;
    `upstream` is what an advisory of a distribution answers, which can be more than one thing."""
    same = tuple(dict.fromkeys(one for one in aliases if one != id_))
    answered = tuple(dict.fromkeys(one for one in upstream if one.startswith(_CVE) and one != id_))
    if id_.startswith(_CVE) or not answered:
        return (_preferring_cve((id_, *same)),)
    if len(answered) == 1:
        return (_preferring_cve((*answered, id_, *same)),)
    return tuple((one, ()) for one in answered)


def _preferring_cve(names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """All that read reports know the CVE's number."""
    name = next((one for one in names if one.startswith(_CVE)), names[0])
    return name, tuple(sorted({*names} - {name}))
