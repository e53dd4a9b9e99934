"""The report as one page that needs nothing else: no network, no other file.

Everything but searching works without JavaScript. What comes from an image is text wherever it
stands: the template escapes it, the list of files is data that the script puts into text nodes, and
a Content-Security-Policy lets run what is in the page alone, by its digest.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from ....errors import Dock2ukError
from ....vulnerability_figures import no_data
from ...amounts import amount, change
from ..findings import RULES, findings, unlisted
from ..text import visible
from . import charts

_HERE = resources.files(__package__)


def render(document: Mapping[str, Any]) -> str:
    """Of report.json; the same document gives the same bytes."""
    found = [(RULES[one.rule], one.message) for one in findings(document)]
    return rendered(
        "page.html.j2",
        report=document,
        files=_files(document["files"]),
        problems=[one for one in found if one[0][0]],
        warnings=[one for one in found if not one[0][0]],
        unlisted=[(RULES[rule][1], count) for rule, count in unlisted(document).items()],
        missing=no_data(document["vulnerabilities"]),
        packages=_packages(document["packages"]),
        sizes=charts.package_sizes(document["packages"]),
        surface=charts.surface(document["metrics"]),
        calls=charts.calls(document["interfaces"]["in_guest"]),
    )


def rendered(template: str, **values: Any) -> str:
    """A page of ours, with the style, the script and the policy that every one has."""
    style, script = _text("page.css"), _text("page.js")
    own = {"style": style, "script": script, "policy": _policy(style, script)}
    return str(_environment().from_string(_text(template)).render(**own, **values))


@cache
def _environment() -> Any:
    try:
        import jinja2  # only where the page is asked for
    except ImportError as missing:
        raise Dock2ukError(f"no HTML without {missing.name}", hint="pip install jinja2") from None
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    environment.filters |= {"amount": amount, "change": change, "verbatim": _verbatim}
    return environment


def _verbatim(text: str) -> Any:
    """Of our own style and script, which hold nothing of an image."""
    import markupsafe

    return markupsafe.Markup(text)


def _text(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """CSP Level 3 § 2.3.1: what is in the page, by its hash; nothing from anywhere else."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _files(files: Mapping[str, Any]) -> Any:
    """Rows for the script: what was decided, path, which reason. Reasons are few and long."""
    reasons: dict[str, int] = {}
    rows = [
        [decision, visible(row["path"]), reasons.setdefault(visible(row["because"]), len(reasons))]
        for decision in ("kept", "added", "dropped")
        for row in files[decision]
    ]
    text = json.dumps({"reasons": list(reasons), "rows": rows}, separators=(",", ":"))
    # Within a script element neither the end tag nor a comment may begin (HTML § 13.1.2).
    return _verbatim(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _packages(packages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What something is left of comes first, the largest first."""
    return sorted(packages, key=lambda one: (one["state"] == "removed", -one["bytes"], one["name"]))
