"""The one program an image runs, and how: read from its config and scripts, nothing is run."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import UnsupportedError
from ..model import Entrypoint, Image
from ..recipes import Recipe, apply_recipes, load_recipes
from .chain import follow
from .launch import first_launch, ports_of
from .stop_signal import stop_signal_number

__all__ = ["resolve"]


def resolve(image: Image, recipes: Iterable[Recipe] | None = None) -> Entrypoint:
    """The image's program, changed by all recipes unless some are given;
    UnsupportedError with every reason when it cannot be decided."""
    _require_platform(image)
    resolved = follow(image.tree, first_launch(image))
    launch = resolved.launch
    known = load_recipes() if recipes is None else recipes
    argv, applied = apply_recipes(image.tree, resolved.exe, launch.argv, known)
    return Entrypoint(
        exe=resolved.exe,
        argv=argv,
        env=launch.env,
        cwd=launch.cwd,
        uid=launch.uid,
        gid=launch.gid,
        groups=launch.groups,
        umask=launch.umask,
        stop_signal=stop_signal_number(image.config.stop_signal),
        ports=ports_of(image.config),
        method=resolved.method,
        evidence=launch.evidence,
        recipes=applied,
    )


def _require_platform(image: Image) -> None:
    config = image.config
    if (config.os, config.architecture) != ("linux", "amd64"):
        raise UnsupportedError(
            (f"the image is for {config.os}/{config.architecture}, not linux/amd64",)
        )
