"""Which system calls of a runtime are linked for a program, each with the reason."""

from __future__ import annotations

from collections.abc import Sequence

from ..calls_document import near
from ..errors import Dock2ukError
from ..model import Analysis
from ..runtime import Part, Runtime, SystemCall

# The kernel itself leads a program to these: a call is begun again (restart_syscall(2)), and
# everything ends. A handler returns through a frame that the kernel made (sigreturn(2)): who sets
# none has no frame to return from.
_OF_EVERY_PROGRAM = ("exit", "exit_group", "restart_syscall")
_RETURN, _RETURNS_TO = "rt_sigreturn", "rt_sigaction"
# clone(2) makes processes too, and the runtime does that with what it has for fork(2).
_FORK = "fork"
_FORKS_BY = ("clone", "clone3", "vfork")


def require_known(names: Sequence[str], runtime: Runtime) -> None:
    """Dock2ukError for a name that the runtime has no handler for."""
    has = {call.name: call.level != "none" for call in runtime.system_calls}
    for name in names:
        if name not in has:
            raise Dock2ukError(f"no system call is called {name!r}", hint=near(name, has))
        if not has[name]:
            raise Dock2ukError(f"{runtime.name} has no {name}: it cannot be kept")


def is_used(part: Part, runtime: Runtime, analysis: Analysis) -> bool:
    """Whether code can make a call of a part, as far as is known, or a run that decides made one.
    A part without calls may be."""
    reachable, made = analysis.calls, analysis.made_calls
    if not part.calls or (made is None and (reachable is None or reachable.unbounded)):
        return True
    names = names_of_calls(runtime, analysis)
    return not names.isdisjoint({*part.calls, *(_FORKS_BY if _FORK in part.calls else ())})


def names_of_calls(runtime: Runtime, analysis: Analysis) -> set[str]:
    """Of the calls that code can reach; where a run decides, that it made."""
    reachable = analysis.calls.sites.keys() if analysis.calls else frozenset[int]()
    numbers = analysis.made_calls if analysis.made_calls is not None else reachable
    return {call.name for call in runtime.system_calls if call.number in numbers}


def chosen_calls(
    runtime: Runtime,
    analysis: Analysis,
    kept: Sequence[str],
    left_out: frozenset[str],
) -> tuple[tuple[SystemCall, ...], dict[str, str]]:
    """What is linked; and for every call of the table why it is or is not."""
    names = names_of_calls(runtime, analysis)
    led_to = _led_to({*names, *kept})
    reasons: dict[str, str] = {}
    linked: list[SystemCall] = []
    for call in runtime.system_calls:
        is_linked, because = _decision(call, analysis, names)
        if not is_linked and call.name in led_to:
            is_linked, because = True, led_to[call.name]
        if call.name in left_out:
            is_linked, because = False, "no kept file imports a function for it"
        if call.name in kept:
            is_linked, because = True, f"--keep-syscall {call.name}"
        if call.level == "none":
            is_linked, because = False, f"{runtime.name} does not have it"
        reasons[call.name] = because
        if is_linked:
            linked.append(call)
    return tuple(linked), reasons


def _led_to(names: set[str]) -> dict[str, str]:
    """Calls that come with these, and why."""
    found = {}
    if not names.isdisjoint(_FORKS_BY):
        found[_FORK] = "clone(2) makes processes with it"
    if _RETURNS_TO in names:
        found[_RETURN] = f"handlers that {_RETURNS_TO}(2) sets return by it"
    return found


def _decision(call: SystemCall, analysis: Analysis, names: set[str]) -> tuple[bool, str]:
    reachable = analysis.calls
    if call.name in _OF_EVERY_PROGRAM:
        return True, "every program needs it"
    if analysis.made_calls is not None and call.name in names:
        return True, "the traced run made it"
    if analysis.made_calls is not None:
        return False, f"the traced run did not make it; --keep-syscall {call.name} links it"
    if call.name in names:
        return True, "the program's code can reach it"
    if reachable is None:
        return True, "which calls the program makes was not analysed"
    if reachable.unbounded:
        return True, f"any call may be made: {reachable.unbounded[0]}"
    return False, f"no code that is kept can reach it; --keep-syscall {call.name} links it"
