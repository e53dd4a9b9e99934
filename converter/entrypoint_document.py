"""entrypoint.json: an Entrypoint as JSON values; `docs/entrypoint.schema.json` describes them.

Nothing in it depends on the time, and on the machine no more than how many processes a server makes
for its processors. The value of a secret, of a variable or on the command line, is not written,
only that it is there. Read by nobody here: `bundle.json` says what `run` needs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from . import secrets
from .model import AppliedRecipe, Change, Difference, Entrypoint, Node, ResourceLimit, SeenRun

NAME = "entrypoint.json"
VERSION = 1
_OF_FEW_VALUES = frozenset(("id", "kind", "result"))  # the schemas list them: nobody's secret
_CHUNK_BYTES = 1 << 20


def document(entrypoint: Entrypoint) -> dict[str, Any]:
    """Everything that was decided about the program, and what was seen."""
    told = given_secrets(entrypoint)
    return {
        "version": VERSION,
        "exe": entrypoint.exe,
        "argv": secrets.masked_words(entrypoint.argv),
        "env": [without_secret(entry) for entry in entrypoint.env],
        "cwd": entrypoint.cwd,
        **credentials(entrypoint),
        "capabilities": list(entrypoint.capabilities),
        "limits": [_limit(limit) for limit in entrypoint.limits],
        "stop_signal": entrypoint.stop_signal,
        "ports": list(entrypoint.ports),
        "listening": list(entrypoint.listening),
        "changes": [_change(change) for change in entrypoint.changes],
        "children": list(entrypoint.children),
        "run": without(told, _run(entrypoint.seen)),
        "method": entrypoint.method,
        "confidence": entrypoint.confidence.value,
        "differences": without(told, [_difference(one) for one in entrypoint.differences]),
        "evidence": without(told, list(entrypoint.evidence)),
        "recipes": without(told, [_recipe(recipe) for recipe in entrypoint.recipes]),
    }


def given_secrets(
    entrypoint: Entrypoint, *commands: Iterable[str], env: Iterable[str] = ()
) -> tuple[str, ...]:
    """The values that no sentence about the program may have, of these command lines and variables
    too."""
    on_command_lines = (
        value
        for argv in (entrypoint.argv, *commands)
        for _, value in secrets.command_line_values(tuple(argv))
    )
    given = {*on_command_lines, *secrets.unsaid((*entrypoint.env, *env))}
    return tuple(sorted(given, key=lambda value: (-len(value), value)))  # one may hold another


def without(values: tuple[str, ...], document: Any) -> Any:
    """JSON values of which no text has one of these, or what a command in it tells to be secret."""
    if isinstance(document, str):
        return secrets.masked_text(secrets.masked(document, values))
    if isinstance(document, Mapping):
        return {
            name: value if name in _OF_FEW_VALUES else without(values, value)
            for name, value in document.items()
        }
    if isinstance(document, list):
        return [without(values, value) for value in document]
    return document


def credentials(entrypoint: Entrypoint) -> dict[str, Any]:
    """Who the program runs as, and what its files may be."""
    return {
        "uid": entrypoint.uid,
        "gid": entrypoint.gid,
        "groups": list(entrypoint.groups),
        "umask": f"{entrypoint.umask:03o}",
    }


def without_secret(entry: str) -> str:
    """NAME=value, with a mask for a value that is one."""
    name, _, value = entry.partition("=")
    is_shown = secrets.reason(name, value) is None and not secrets.is_doubtful(name, value)
    return entry if is_shown else f"{name}={secrets.MASK}"


def _run(seen: SeenRun | None) -> dict[str, Any] | None:
    """What recorded runs showed of it at work."""
    if seen is None:
        return None
    return {
        "written": None if seen.written is None else list(seen.written),
        "processes": None if seen.processes is None else list(seen.processes),
        "forks_after_ready": seen.forks,
        "execs_after_ready": seen.execs,
        "bound": [{"socket": socket, "uid": user} for socket, user in seen.binders],
        "no_new_privileges": seen.has_no_new_privileges,
        "system_calls": {exe: sorted(numbers) for exe, numbers in seen.called.items()},
    }


def _limit(limit: ResourceLimit) -> dict[str, Any]:
    return {"name": limit.name, "soft": limit.soft, "hard": limit.hard}


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "subject": difference.subject,
        "kind": difference.kind.value,
        "detail": difference.detail,
        "is_baked": difference.is_baked,
    }


def _change(change: Change) -> dict[str, Any]:
    return {"path": change.path, "is_gone": change.node is None, **_facts(change.node)}


def _facts(node: Node | None) -> dict[str, Any]:
    """What there is to say of a path as start-up left it."""
    if node is None:
        return {}
    facts = {"type": node.type.value, "mode": f"{node.mode:04o}", "uid": node.uid, "gid": node.gid}
    if node.target is not None:
        return {**facts, "target": node.target}
    if node.content is None:
        return facts
    state = hashlib.sha256()
    with node.content.open() as file:
        while piece := file.read(_CHUNK_BYTES):
            state.update(piece)
    return {**facts, "size": node.size, "sha256": state.hexdigest()}


def _recipe(recipe: AppliedRecipe) -> dict[str, str]:
    return {"name": recipe.name, "reason": recipe.reason, "change": recipe.change}
