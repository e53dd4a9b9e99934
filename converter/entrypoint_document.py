"""entrypoint.json: an Entrypoint as JSON values; `docs/entrypoint.schema.json` describes them.

Nothing in it depends on the time or the machine. The value of a secret variable is not written,
only that it is there. Read by nobody here: `bundle.json` says what `run` needs.
"""

from __future__ import annotations

import hashlib
from typing import Any

from . import secrets
from .model import AppliedRecipe, Change, Difference, Entrypoint, Node, ResourceLimit

NAME = "entrypoint.json"
VERSION = 1
_CHUNK_BYTES = 1 << 20


def document(entrypoint: Entrypoint) -> dict[str, Any]:
    """Everything that was decided about the program, and what was seen."""
    return {
        "version": VERSION,
        "exe": entrypoint.exe,
        "argv": list(entrypoint.argv),
        "env": [_without_secret(entry) for entry in entrypoint.env],
        "cwd": entrypoint.cwd,
        **credentials(entrypoint),
        "capabilities": list(entrypoint.capabilities),
        "limits": [_limit(limit) for limit in entrypoint.limits],
        "stop_signal": entrypoint.stop_signal,
        "ports": list(entrypoint.ports),
        "listening": list(entrypoint.listening),
        "changes": [_change(change) for change in entrypoint.changes],
        "children": list(entrypoint.children),
        "method": entrypoint.method,
        "confidence": entrypoint.confidence.value,
        "differences": [_difference(difference) for difference in entrypoint.differences],
        "evidence": list(entrypoint.evidence),
        "recipes": [_recipe(recipe) for recipe in entrypoint.recipes],
    }


def credentials(entrypoint: Entrypoint) -> dict[str, Any]:
    """Who the program runs as, and what its files may be."""
    return {
        "uid": entrypoint.uid,
        "gid": entrypoint.gid,
        "groups": list(entrypoint.groups),
        "umask": f"{entrypoint.umask:03o}",
    }


def _without_secret(entry: str) -> str:
    name, _, value = entry.partition("=")
    return entry if secrets.reason(name, value) is None else f"{name}={secrets.MASK}"


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
