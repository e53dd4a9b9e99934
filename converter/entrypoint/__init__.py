"""The one program an image runs, and how: read from its config and scripts, and where these do
not say enough, seen in a recorded run of its start-up.

Every step says what it saw. Nothing is guessed: what stays open is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace

from .. import secrets
from ..errors import (
    SandboxUnavailableError,
    StartupError,
    UndecidedError,
    UnsupportedError,
)
from ..model import Confidence, Difference, DifferenceKind, Entrypoint, Image
from ..progress import Progress, Silent
from ..recipes import Recipe, apply_recipes, load_recipes
from .chain import Resolved, follow
from .launch import Launch, first_launch, ports_of
from .options import DEFAULTS, Options, Resolve
from .record.recording import Bounds
from .recorded import record_twice
from .stop_signal import stop_signal_number

__all__ = ["DEFAULTS", "Bounds", "Options", "Overrides", "Resolve", "resolve"]

_SILENT = Silent()


def resolve(
    image: Image,
    recipes: Iterable[Recipe] | None = None,
    options: Options = DEFAULTS,
    progress: Progress = _SILENT,
) -> Entrypoint:
    """The image's program, changed by all recipes unless some are given. UnsupportedError with
    every reason when it cannot be decided or is more than one; StartupError when its start-up
    fails."""
    _require_platform(image)
    with _saying_no_secret((*image.config.env, *options.overrides.env)):
        launch = first_launch(image, options.overrides)
        found = _LADDER[options.resolve](image, launch, options, progress)
    known = load_recipes() if recipes is None else recipes
    argv, applied = apply_recipes(image.tree, found.exe, found.argv, known)
    whole = replace(found, argv=argv, recipes=applied)
    given = _secrets(whole, launch)
    if not options.is_baked:
        _require_no_secret(whole.argv, given)
    on_command_line = (value for _, value in secrets.command_line_values(launch.argv))
    unsaid = {*on_command_line, *given.values(), *secrets.unsaid((*launch.env, *whole.env))}
    return _without_secrets(_without_any(whole, unsaid), options)


def _static(image: Image, launch: Launch, options: Options, progress: Progress) -> Entrypoint:
    return _read(image, follow(image.tree, launch))


def _record(image: Image, launch: Launch, options: Options, progress: Progress) -> Entrypoint:
    """What cannot be run at all, or waits for somebody to type, is refused without being run."""
    with suppress(UndecidedError):
        follow(image.tree, launch)
    return _after(launch.evidence, record_twice(image, launch, options, progress))


def _auto(image: Image, launch: Launch, options: Options, progress: Progress) -> Entrypoint:
    """Reading is enough where it leaves nothing out; where no sandbox can be made, it has to be."""
    try:
        resolved = follow(image.tree, launch)
    except UndecidedError as undecided:
        return _recorded_after(undecided, image, launch, options, progress)
    read = _read(image, resolved)
    if not resolved.launch.left_out:
        return read
    try:
        seen = record_twice(image, launch, options, progress)
    except (SandboxUnavailableError, StartupError) as problem:
        return replace(read, evidence=(*read.evidence, f"it was not run: {problem.message}"))
    return _after((*resolved.launch.evidence, *_agreement(read, seen)), seen)


_LADDER = {Resolve.STATIC: _static, Resolve.RECORD: _record, Resolve.AUTO: _auto}


def _recorded_after(
    undecided: UndecidedError, image: Image, launch: Launch, options: Options, progress: Progress
) -> Entrypoint:
    try:
        seen = record_twice(image, launch, options, progress)
    except SandboxUnavailableError as problem:
        reasons = (*undecided.reasons, f"and its start-up cannot be run here: {problem.message}")
        raise UnsupportedError(reasons, hint=problem.hint) from problem
    read = tuple(f"reading leaves it open: {reason}" for reason in undecided.reasons)
    return _after((*launch.evidence, *read), seen)


def _read(image: Image, resolved: Resolved) -> Entrypoint:
    """What the scripts say, with what they would do beside it named."""
    launch = resolved.launch
    left_out = tuple(f"not done: {work}" for work in launch.left_out)
    is_certain = resolved.method == "elf"
    return Entrypoint(
        exe=resolved.exe,
        argv=launch.argv,
        env=launch.env,
        cwd=launch.cwd,
        uid=launch.uid,
        gid=launch.gid,
        groups=launch.groups,
        umask=launch.umask,
        stop_signal=stop_signal_number(image.config.stop_signal),
        ports=ports_of(image.config),
        method=resolved.method,
        evidence=(*launch.evidence, *left_out),
        confidence=Confidence.CERTAIN if is_certain else Confidence.READ,
        limits=launch.limits,
    )


def _agreement(read: Entrypoint, seen: Entrypoint) -> tuple[str, ...]:
    facts = ("exe", "argv", "cwd", "uid", "gid", "umask")
    unlike = [name for name in facts if getattr(read, name) != getattr(seen, name)]
    if not unlike:
        return ("reading and running say the same of program, arguments and user",)
    return tuple(
        f"reading says {name} {getattr(read, name)!r}, the run {getattr(seen, name)!r}: "
        "the run is believed"
        for name in unlike
    )


def _after(evidence: tuple[str, ...], entrypoint: Entrypoint) -> Entrypoint:
    return replace(entrypoint, evidence=(*evidence, *entrypoint.evidence))


def _secrets(entrypoint: Entrypoint, launch: Launch) -> dict[str, str]:
    """Those of the environment, at first and at last; not one that is the program's own name, as
    passwords for trying things out are."""
    own = {*entrypoint.exe.split("/"), *entrypoint.argv[:1]}
    named = secrets.named((*launch.env, *entrypoint.env))
    return {name: value for name, value in named.items() if value not in own}


def _require_no_secret(argv: tuple[str, ...], given: Mapping[str, str]) -> None:
    """What a start-up puts into the arguments cannot be left out, nor given at boot."""
    for name, value in given.items():
        if secrets.is_told_by(argv, value):
            raise UnsupportedError(
                (f"its arguments hold the value of {name}, which looks like a secret",),
                hint="--bake keeps it in the image; or have the program read it from its "
                "environment",
            )


@contextmanager
def _saying_no_secret(env: Iterable[str]) -> Iterator[None]:
    """What stands in the way is told in the words of the script, and of what it printed."""
    given = secrets.unsaid(env)
    try:
        yield
    except UnsupportedError as problem:
        said = (_without(given, reason) for reason in problem.reasons)
        raise type(problem)(tuple(said), hint=problem.hint) from None
    except StartupError as problem:
        raise type(problem)(_without(given, problem.message), hint=problem.hint) from None


def _without_any(entrypoint: Entrypoint, values: Iterable[str]) -> Entrypoint:
    """Evidence is printed, and goes into the report."""
    longest_first = sorted(values, key=len, reverse=True)  # one may hold another
    evidence = tuple(_without(longest_first, line) for line in entrypoint.evidence)
    return replace(entrypoint, evidence=evidence)


def _without(values: Iterable[str], text: str) -> str:
    return secrets.masked_text(secrets.masked(text, values))


def _without_secrets(entrypoint: Entrypoint, options: Options) -> Entrypoint:
    """What looks like a secret is given when the machine starts, not kept in the image, unless
    the user wants it so."""
    pairs = (entry.partition("=") for entry in entrypoint.env)
    reasons = {name: secrets.reason(name, value) for name, _, value in pairs}
    found = {name: why for name, why in reasons.items() if why is not None}
    if not found:
        return entrypoint
    named = {difference.subject for difference in entrypoint.differences}
    differences = [
        Difference(_subject(name), DifferenceKind.SECRET, why, options.is_baked)
        for name, why in found.items()
        if _subject(name) not in named
    ]
    kept = [entry for entry in entrypoint.env if entry.partition("=")[0] not in found]
    return replace(
        entrypoint,
        env=entrypoint.env if options.is_baked else tuple(kept),
        differences=(*entrypoint.differences, *differences),
    )


def _subject(name: str) -> str:
    return f"variable {name}"


def _require_platform(image: Image) -> None:
    config = image.config
    if (config.os, config.architecture) != ("linux", "amd64"):
        raise UnsupportedError(
            (f"the image is for {config.os}/{config.architecture}, not linux/amd64",)
        )
