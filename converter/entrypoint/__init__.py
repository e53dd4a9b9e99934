"""The one program an image runs, and how: read from its config and scripts, nothing is run."""

from __future__ import annotations

from ..errors import UnsupportedError
from ..model import Entrypoint, Image
from ..recipes import apply_recipes
from .chain import follow
from .launch import first_launch, ports_of
from .stop_signal import stop_signal_number

__all__ = ["resolve"]


def resolve(image: Image) -> Entrypoint:
    """The image's program; UnsupportedError with every reason when it cannot be decided."""
    _require_platform(image)
    resolved = follow(image.tree, first_launch(image))
    launch = resolved.launch
    argv, recipes = apply_recipes(image.tree, resolved.exe, launch.argv)
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
        recipes=recipes,
    )


def _require_platform(image: Image) -> None:
    config = image.config
    if (config.os, config.architecture) != ("linux", "amd64"):
        raise UnsupportedError(
            (f"the image is for {config.os}/{config.architecture}, not linux/amd64",)
        )
