"""What a Dockerfile's lines say that a reader of a report wants to see beside them.

Only the stages that the image is made of count, and what is copied from others. A finding never
holds a secret's value. What the base image sets is not here: it has no line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ... import secrets
from ...model import Dockerfile, DockerfileFinding, Instruction
from .words import pairs

_LAST_COUNTS = ("ENTRYPOINT", "CMD", "USER", "HEALTHCHECK", "STOPSIGNAL", "WORKDIR")
_EACH_COUNTS = ("EXPOSE", "VOLUME")
_URL = re.compile(r"(?:https?|ftp)://\S+|git@\S+")
_FROM_IMAGE = re.compile(r"--from=(\S+)")
_SHOWN = 120  # characters of a value
_DEFAULT_SHELL = '["/bin/sh", "-c"]'


def findings(dockerfile: Dockerfile, escape: str) -> tuple[DockerfileFinding, ...]:
    """In the order of their lines."""
    stages = _stages(dockerfile)
    lineage = _lineage(dockerfile, stages)
    used = _used(dockerfile, stages, lineage)
    found = [
        *_settings(dockerfile, lineage),
        *_bases(dockerfile, stages, used),
        *_downloads(dockerfile, used),
        *_secrets(dockerfile, escape),
    ]
    return tuple(sorted(found, key=lambda one: one.line))


def _stages(dockerfile: Dockerfile) -> dict[str, int]:
    """Numbers of stages by what they can be called."""
    called: dict[str, int] = {}
    for one in dockerfile.instructions:
        if one.name == "FROM":
            called[str(one.stage)] = one.stage
            if name := _stage_name(one.value):
                called[name] = one.stage
    return called


def _stage_name(value: str) -> str:
    words = value.lower().split()
    return words[-1] if len(words) >= 3 and words[-2] == "as" else ""


def _image(value: str) -> str:
    return next((word for word in value.split() if not word.startswith("--")), "")


def _base_stage(one: Instruction, stages: dict[str, int]) -> int | None:
    """The earlier stage that a FROM goes on from."""
    number = stages.get(_image(one.value).lower())
    is_by_name = not _image(one.value).isdigit()
    return number if number is not None and is_by_name and number < one.stage else None


def _lineage(dockerfile: Dockerfile, stages: dict[str, int]) -> list[int]:
    """The final stage and those it goes on from, the lowest first."""
    bases = {
        one.stage: _base_stage(one, stages) for one in dockerfile.instructions if one.name == "FROM"
    }
    found, stage = [dockerfile.final_stage], bases[dockerfile.final_stage]
    while stage is not None:
        found.append(stage)
        stage = bases[stage]
    return found[::-1]


def _used(dockerfile: Dockerfile, stages: dict[str, int], lineage: list[int]) -> set[int]:
    """Stages that anything of the image comes from."""
    used, waiting = set[int](), list(lineage)
    while waiting:
        stage = waiting.pop()
        if stage in used:
            continue
        used.add(stage)
        for one in dockerfile.instructions:
            if one.stage != stage:
                continue
            source = _FROM_IMAGE.search(one.value) if one.name == "COPY" else None
            named = stages.get(source[1].lower()) if source else None
            base = _base_stage(one, stages) if one.name == "FROM" else None
            waiting += [number for number in (named, base) if number is not None and number < stage]
    return used


def _settings(dockerfile: Dockerfile, lineage: list[int]) -> Iterator[DockerfileFinding]:
    """What the image is configured with, and where."""
    last: dict[str, Instruction] = {}
    shell = Instruction(0, "SHELL", _DEFAULT_SHELL, -1)
    for one in (one for stage in lineage for one in dockerfile.instructions if one.stage == stage):
        if one.name == "SHELL":
            shell = one
        if one.name in _EACH_COUNTS:
            yield DockerfileFinding(one.line, one.name.lower(), f"{one.name} {_shown(one.value)}")
        if one.name in _LAST_COUNTS:
            last[one.name] = one
            if one.name == "ENTRYPOINT" and "CMD" in last and last["CMD"].stage != one.stage:
                del last["CMD"]  # an ENTRYPOINT takes the CMD of its base away
            last[f"{one.name} SHELL"] = shell
    for name in _LAST_COUNTS:
        if name in last:
            one = last[name]
            message = f"{name} {_shown(one.value)}{_form(one, last[f'{name} SHELL'])}"
            yield DockerfileFinding(one.line, name.lower(), message)


def _form(one: Instruction, shell: Instruction) -> str:
    if one.name not in ("ENTRYPOINT", "CMD") or _is_json_list(one.value):
        return ""
    where = f" of line {shell.line}" if shell.line else ""
    return f" (run by the shell {shell.value}{where})"


def _is_json_list(text: str) -> bool:
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _bases(
    dockerfile: Dockerfile, stages: dict[str, int], used: set[int]
) -> Iterator[DockerfileFinding]:
    """The stage that becomes the image, and images that may be others tomorrow."""
    for one in dockerfile.instructions:
        if one.name == "FROM" and one.stage == dockerfile.final_stage:
            message = f"the image is made from here, stage {_stage_name(one.value) or one.stage}"
            yield DockerfileFinding(one.line, "final-stage", message)
        for image in _images_named(one, stages):
            if one.stage in used and image != "scratch" and "@sha256:" not in image:
                tag = "" if ":" in image.rpartition("/")[2] else ", and has no tag but latest"
                message = f"{image} is not pinned to a digest{tag}"
                yield DockerfileFinding(one.line, "unpinned-base", message)


def _images_named(one: Instruction, stages: dict[str, int]) -> Iterator[str]:
    if one.name == "FROM" and _base_stage(one, stages) is None:
        yield _image(one.value)
    source = _FROM_IMAGE.search(one.value) if one.name == "COPY" else None
    if source and source[1].lower() not in stages:
        yield source[1]


def _downloads(dockerfile: Dockerfile, used: set[int]) -> Iterator[DockerfileFinding]:
    for one in dockerfile.instructions:
        url = _URL.search(one.value) if one.name == "ADD" and one.stage in used else None
        if url and "--checksum=" not in one.value:
            message = f"{_without_password(url[0])} is added without a checksum"
            yield DockerfileFinding(one.line, "add-url", message)


def _without_password(url: str) -> str:
    return re.sub(r"(://)[^/@\s]*@", r"\1", url)


def _secrets(dockerfile: Dockerfile, escape: str) -> Iterator[DockerfileFinding]:
    """In every stage: the builder's history and cache keep those of the others."""
    for one in dockerfile.instructions:
        if one.name in ("ENV", "ARG", "LABEL"):
            for name, value in pairs(one.value, escape):
                # An argument without a default is given a value at the build, which stays.
                why = secrets.reason(name, value if value is not None else "given at the build")
                if why:
                    message = f"{one.name} {name} looks like a secret: {why}"
                    yield DockerfileFinding(one.line, "secret", message)
        else:
            what = next(filter(None, map(secrets.form_of, (one.value, *one.heredocs))), None)
            if what:
                yield DockerfileFinding(one.line, "secret", f"{one.name} holds {what}")


def _shown(value: str) -> str:
    what = secrets.form_of(value)
    if what:
        return f"({what})"
    return value if len(value) <= _SHOWN else f"{value[: _SHOWN - 1]}…"
