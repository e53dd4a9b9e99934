"""Commands of the command line that share options: a group is a function of its options, and a
command that takes it is given what that function makes of them.

typer knows parameters only; this gives it all of a command's in one signature (PEP 362).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar, get_type_hints

_Command = TypeVar("_Command", bound=Callable[..., Any])


def taking(**groups: Callable[..., Any]) -> Callable[[_Command], Callable[..., Any]]:
    """Give a command the options of `groups` in place of the parameters named like them; on the
    command line they come after its own."""

    def decorate(command: _Command) -> Callable[..., Any]:
        own = _parameters(command, but=groups)
        of_groups = {name: _parameters(group) for name, group in groups.items()}

        @wraps(command)
        def with_options(**given: Any) -> Any:
            for name, group in groups.items():
                options = {one.name: given.pop(one.name) for one in of_groups[name]}
                given[name] = group(**options)
            return command(**given)

        every = [*own, *(one for parameters in of_groups.values() for one in parameters)]
        with_options.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
        with_options.__annotations__ = {one.name: one.annotation for one in every}
        return with_options

    return decorate


def _parameters(function: Any, but: Container[str] = ()) -> list[inspect.Parameter]:
    """By name only, with types in place of their names. What the function returns is not asked,
    nor the parameters in `but`: their types may be for type checkers alone."""
    signature = inspect.signature(function).parameters.values()
    wanted = [one for one in signature if one.name not in but]
    named = FunctionType(function.__code__, function.__globals__)
    named.__annotations__ = {one.name: one.annotation for one in wanted}
    types = get_type_hints(named, include_extras=True)
    by_name = inspect.Parameter.KEYWORD_ONLY
    return [one.replace(annotation=types[one.name], kind=by_name) for one in wanted]
