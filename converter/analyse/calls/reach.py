"""What is reached in a set of ELF files that run together, from where the system enters them.

Entered from outside are: every program's entry point, functions whose address is in data (so those
that start and end a file, and tables of functions), and all that a file exports which nothing is
linked with, for it is opened by name. From there it goes over calls, over addresses that the code
takes, and over imports to everything of that name in any file: more than the dynamic linker would
bind, never less. A file that looks functions up by name may get those that strings of it name.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ...model import CallSite, ReachableCalls, Sockets
from .facts import LOOK_UPS, ElfFacts
from .numbers import FAMILY, TYPE, WRAPPER

# Calls a function by an address made at run time: which, no file says (libffi).
_CALLS_ANYTHING = "ffi_call"

_Place = tuple[str, int]  # file, piece


@dataclass(frozen=True, slots=True)
class File:
    """A file and how it takes part."""

    facts: ElfFacts
    is_linked: bool  # named in DT_NEEDED, or an interpreter
    is_go: bool = False  # functions are found through tables that only Go's runtime reads


@dataclass(slots=True)
class _Reached:
    """How a piece was reached first, and whether by other than a direct branch."""

    before: _Place | None
    because: str
    is_entered: bool


@dataclass(slots=True)
class _Search:
    files: Mapping[str, File]
    definers: dict[str, list[_Place]] = field(default_factory=lambda: defaultdict(list))
    reached: dict[_Place, _Reached] = field(default_factory=dict)
    pending: deque[_Place] = field(default_factory=deque)
    looked_up: set[str] = field(default_factory=set)
    exports_all: str = ""  # why every exported function may be called


def reach(files: Mapping[str, File]) -> ReachableCalls:
    """Every system call that code of these files can make, each with a way to it."""
    search = _Search(files)
    for path, file in files.items():
        for name, piece in file.facts.exports:
            search.definers[name].append((path, piece))
    for path in sorted(files):
        _enter_file(search, path, files[path])
    while search.pending:
        _go_on(search, search.pending.popleft())
    return _result(search)


def _enter_file(search: _Search, path: str, file: File) -> None:
    facts = file.facts
    if facts.entry is not None:
        _visit(search, (path, facts.entry), None, "is entered", is_entered=True)
    for piece in facts.pointed_to:
        _visit(search, (path, piece), None, "has its address in data", is_entered=True)
    for name in facts.named_pointers:
        _visit_all(search, search.definers[name], None, "has its address in data")
    if not file.is_linked:
        exports = ((path, piece) for _, piece in facts.exports)
        _visit_all(search, exports, None, "is exported by a file that is opened by name")
    if file.is_go:
        for piece in range(len(facts.pieces)):
            _visit(search, (path, piece), None, "is of a Go program", is_entered=False)


def _go_on(search: _Search, place: _Place) -> None:
    path, index = place
    facts = search.files[path].facts
    pieces = facts.pieces
    for target in pieces.leads_to.of(index):
        _visit(search, (path, target), place, "calls", is_entered=False)
    for target in pieces.takes.of(index):
        _visit(search, (path, target), place, "takes the address of", is_entered=True)
    for name in (pieces.symbols[symbol] for symbol in pieces.imports.of(index)):
        for definer in search.definers[name]:
            is_entered = name != WRAPPER  # its callers' numbers are counted with them
            _visit(search, definer, place, f"imports {name}", is_entered=is_entered)
        if name in LOOK_UPS:
            _look_up(search, path, place)
        if name == _CALLS_ANYTHING and not search.exports_all:
            search.exports_all = f"{path} calls functions by name ({name})"
            for places in list(search.definers.values()):
                _visit_all(search, places, place, "may call by name")


def _look_up(search: _Search, path: str, place: _Place) -> None:
    if path in search.looked_up:
        return
    search.looked_up.add(path)
    for name in search.files[path].facts.strings:
        if name in search.definers:
            _visit_all(search, search.definers[name], place, f"may look up {name}")


def _visit_all(
    search: _Search, places: Iterable[_Place], before: _Place | None, because: str
) -> None:
    for place in places:
        _visit(search, place, before, because, is_entered=True)


def _visit(
    search: _Search, place: _Place, before: _Place | None, because: str, *, is_entered: bool
) -> None:
    known = search.reached.get(place)
    if known is None:
        search.reached[place] = _Reached(before, because, is_entered)
        search.pending.append(place)
    elif is_entered:
        known.is_entered = True


def _result(search: _Search) -> ReachableCalls:
    sites: dict[int, CallSite] = {}
    unbounded: list[str] = []
    per_file: dict[str, set[int]] = {path: set() for path in search.files}
    for (path, index), how in search.reached.items():
        piece = search.files[path].facts.pieces.rest(index)
        for number, address in piece.calls:
            per_file[path].add(number)
            if number not in sites:
                sites[number] = CallSite(path, address, tuple(_chain(search, (path, index))))
        reasons = (*piece.unknown, *(piece.if_entered if how.is_entered else ()))
        unbounded += [f"{path}: {reason}" for reason in reasons]
    unbounded += [f"{path}: {f.facts.unread}" for path, f in search.files.items() if f.facts.unread]
    notes = [f"{path}: {note}" for path, file in search.files.items() for note in file.facts.notes]
    notes += [search.exports_all] if search.exports_all else []
    return ReachableCalls(
        sites=dict(sorted(sites.items())),
        sockets=_sockets(search),
        per_file={path: frozenset(numbers) for path, numbers in sorted(per_file.items())},
        unbounded=tuple(sorted(set(unbounded))),
        notes=tuple(sorted(notes)),
    )


def _sockets(search: _Search) -> Sockets:
    """Nothing is known where any call may be made."""
    given: dict[str, set[int]] = {FAMILY: set(), TYPE: set()}
    unknown: list[str] = []
    for (path, index), how in search.reached.items():
        piece = search.files[path].facts.pieces.rest(index)
        for subject, value in piece.sockets:
            given[subject].add(value)
        reasons = (*piece.unknown_sockets, *(piece.sockets_if_entered if how.is_entered else ()))
        unknown += [f"{path}: {reason} is not known" for reason in reasons]
    because = min(unknown, default="")
    return Sockets(frozenset(given[FAMILY]), frozenset(given[TYPE]), because)


def _chain(search: _Search, place: _Place) -> Iterator[str]:
    """From where the system enters, a line for each piece on the way."""
    way: list[_Place] = []
    at: _Place | None = place
    while at is not None:
        way.append(at)
        at = search.reached[at].before
    for one in reversed(way):
        yield f"{_label(search, one)} {_after(search, one)}".strip()


def _after(search: _Search, place: _Place) -> str:
    how = search.reached[place]
    return f"({how.because})" if how.before is None else f"<- {how.because}"


def _label(search: _Search, place: _Place) -> str:
    path, index = place
    facts = search.files[path].facts
    at = bisect_left(facts.names, (index, ""))
    name = facts.names[at][1] if at < len(facts.names) and facts.names[at][0] == index else ""
    address = f"{facts.pieces.addresses[index]:#x}"
    return f"{path} {name}" if name else f"{path} function at {address}"
